"""The address of the visitor, and which calls get it."""

from typing import Any

import pytest

from tests.translator.gateway.build import TestGateway
from translator.gateway.messages.visitor_address import ProxyError, VisitorAddress, networks

VISITOR = "203.0.113.9"
PROXIES = networks(["10.0.0.0/8", "192.0.2.1", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        (VISITOR, "", VISITOR),
        (VISITOR, "198.51.100.1", VISITOR),
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", VISITOR, VISITOR),
        ("10.1.2.3", f"198.51.100.1, {VISITOR}", VISITOR),
        ("10.1.2.3", f"198.51.100.1, {VISITOR}, 192.0.2.1, 10.9.9.9", VISITOR),
        ("10.1.2.3", f"unknown, {VISITOR}", VISITOR),
        ("10.1.2.3", f"{VISITOR}, unknown", "10.1.2.3"),
        ("10.1.2.3", "<script>", "10.1.2.3"),
        ("10.1.2.3", f"{VISITOR},", VISITOR),
        ("10.1.2.3", f"{VISITOR}, , 10.9.9.9 ,", VISITOR),
        ("10.1.2.3", " , ", "10.1.2.3"),
        ("10.1.2.3", f"{VISITOR}:5678", VISITOR),
        ("10.1.2.3", "[2001:db8::7]:5678", "2001:db8::7"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.1.2.3", VISITOR, VISITOR),
        ("::ffff:203.0.113.9", "", VISITOR),
        ("10.1.2.3", "10.4.4.4, 10.5.5.5", "10.4.4.4"),
        pytest.param("10.1.2.3", f"fe80::1%{'x' * 5000}", "10.1.2.3", id="a long zone"),
    ],
)
def test_forwarded_for(peer: str, forwarded: str, expected: str) -> None:
    """Only trusted proxies are believed: the last address that is not a trusted proxy counts."""
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    assert VisitorAddress(PROXIES).of_request(peer, headers) == expected


def test_several_headers() -> None:
    """Proxies may add a header each; together they are one list."""
    headers = [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-for", VISITOR.encode())]
    assert VisitorAddress(PROXIES).of_request("10.1.2.3", headers) == VISITOR


def test_real_ip() -> None:
    """A trusted proxy that says the address in X-Real-IP is believed too."""
    headers = [(b"x-real-ip", VISITOR.encode())]
    assert VisitorAddress(PROXIES).of_request("10.1.2.3", headers) == VISITOR
    assert VisitorAddress(PROXIES).of_request("198.51.100.1", headers) == "198.51.100.1"


def test_wrong_network() -> None:
    """A network that is not one is an error that names it."""
    with pytest.raises(ProxyError, match=r"'10\.0\.0\.0/99'"):
        networks(["10.0.0.0/99"])


@pytest.mark.parametrize(
    ("path", "headers", "context", "expected"),
    [
        ("/v1/track", {}, {}, None),
        ("/v1/track", {"Origin": "https://shop.test"}, {}, VISITOR),
        ("/v1/t", {}, {}, VISITOR),
        ("/v1/track", {}, {"direct": True}, VISITOR),
        ("/v1/track", {"Origin": "https://shop.test"}, {"direct": False}, None),
        ("/v1/track", {}, {"direct": "yes"}, None),
        ("/v1/track", {}, {"library": {"name": "analytics-ios"}}, VISITOR),
        ("/v1/track", {}, {"library": {"name": "analytics_flutter"}}, VISITOR),
        ("/v1/track", {}, {"library": "analytics-kotlin"}, VISITOR),
        ("/v1/track", {}, {"library": {"name": "analytics-node"}}, None),
        ("/v1/track", {}, {"direct": True, "ip": "198.51.100.1"}, "198.51.100.1"),
        ("/v1/track", {}, {"direct": True, "ip": None}, VISITOR),
        ("/v1/t", {}, None, VISITOR),
    ],
)
def test_which_calls_get_it(
    gateway: TestGateway, path: str, headers: dict[str, str], context: Any, expected: str | None
) -> None:
    """Calls of pages and apps, and those that ask for it; never in place of an address given."""
    message = {"event": "E", "userId": "u", "context": context}
    gateway.client(peer=VISITOR).post(path, message, headers=headers)
    [payload] = gateway.waiting()
    assert payload["properties"].get("ip") == expected


def test_a_batch_of_an_app(gateway: TestGateway) -> None:
    """Every message of a batch to the short path, where apps send, gets the address."""
    batch = [{"type": "track", "event": name, "userId": "u"} for name in "AB"]
    client = gateway.client(peer="10.1.2.3", visitors=VisitorAddress(PROXIES))
    client.post("/v1/b", {"batch": batch}, headers={"X-Forwarded-For": VISITOR})
    assert [each["properties"]["ip"] for each in gateway.waiting()] == [VISITOR] * 2


def test_the_scheme_of_a_proxy(gateway: TestGateway) -> None:
    """Pages behind a trusted proxy with https are told to send there by https."""
    client = gateway.client(peer="10.1.2.3", visitors=VisitorAddress(PROXIES))
    headers = {"X-Forwarded-Proto": "https", "Host": "events.shop.test"}
    settings = client.get("/v1/projects/key/settings", headers=headers).json
    here = settings["integrations"]["Segment.io"]
    assert (here["protocol"], here["apiHost"]) == ("https", "events.shop.test/v1")
