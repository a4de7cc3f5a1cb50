"""The gateway's routes, with a sender that delivers nothing."""

from typing import Any

import pytest

from tests.translator.gateway.build import Client, TestGateway
from translator.gateway.sources.sources import Sources

CALLS = ["track", "identify", "page", "screen", "group", "alias"]
SHORT = ["t", "i", "p", "s", "g", "a"]


def track(event: str = "E", **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "userId": "u", **fields}


@pytest.mark.parametrize("prefix", ["/v1/", "/"])
@pytest.mark.parametrize("name", [*CALLS, *SHORT])
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_path(client: Client, prefix: str, name: str, slash: str) -> None:
    """Each call has its path, long and short, with and without version and slash."""
    response = client.post(f"{prefix}{name}{slash}", {"userId": "u", "event": "E"})
    assert (response.status, response.json) == (200, {"success": True})


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import", "/v1/b", "/batch/", "/b"])
def test_batch_is_kept_in_order(gateway: TestGateway, client: Client, path: str) -> None:
    """All messages of a batch are in the spool, in order, before it is answered."""
    batch = [track(name, messageId=name) for name in "ABC"]
    response = client.post(path, {"batch": batch})
    assert response.status == 200
    assert [payload["event"] for payload in gateway.waiting()] == ["A", "B", "C"]


def test_one_id_for_two_messages(gateway: TestGateway, client: Client) -> None:
    """Different messages with one id, as a client with a defect sends them, are both taken in."""
    for name in "AB":
        client.post("/v1/track", track(name, messageId="m-1"))
    assert [payload["event"] for payload in gateway.waiting()] == ["A", "B"]


@pytest.mark.parametrize("depth", [1000, 5000])
def test_a_body_beyond_the_parser_is_refused(
    gateway: TestGateway, client: Client, depth: int
) -> None:
    """A body that is nested too deep to be read is refused as a whole; nothing is taken in."""
    deep = "[" * depth + "]" * depth
    good = '{"type": "track", "event": "A", "userId": "u"}'
    bad = f'{{"type": "track", "event": "B", "userId": "u", "properties": {{"x": {deep}}}}}'
    response = client.post("/v1/batch", f'{{"batch": [{good}, {bad}]}}'.encode())
    assert response.status == 400
    assert gateway.waiting() == []


def test_full(gateway: TestGateway, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """With too much waiting a request is refused as a whole, to be sent again later."""
    monkeypatch.setattr(gateway.intake, "_capacity", 1)
    statuses = [client.post("/v1/track", track()).status for _ in range(3)]
    assert statuses == [200, 503, 503]
    refused = client.post("/v1/track", track())
    assert refused.headers["retry-after"] == "1"
    assert client.get("/healthz").json["accepting"] is False


def test_full_by_size(gateway: TestGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file what waits is bounded by its size too."""
    monkeypatch.setattr(gateway.intake, "_capacity_bytes", 1000)
    client = gateway.client()
    large = track(properties={"text": "x" * 1000})
    assert [client.post("/v1/track", large).status for _ in range(2)] == [200, 503]


def test_after_closing(gateway: TestGateway, client: Client) -> None:
    """A gateway that is about to end takes in nothing more."""
    gateway.intake.close()
    assert client.post("/v1/track", track()).status == 503
    assert gateway.pipeline.delivery.take(10) is None


def test_page_of_another_origin(gateway: TestGateway, client: Client) -> None:
    """A browser may call from every page."""
    origin = {"Origin": "https://shop.test"}
    asked = {**origin, "Access-Control-Request-Headers": "content-type"}
    preflight = client.call("OPTIONS", "/v1/t", [b""], headers=asked)
    allowed = ("access-control-allow-origin", "access-control-allow-headers")
    assert [preflight.headers[name] for name in allowed] == ["*", "content-type"]
    response = client.post("/v1/t", track(), headers={**origin, "Content-Type": "text/plain"})
    assert (response.status, response.headers["access-control-allow-origin"]) == (200, "*")
    assert len(gateway.waiting()) == 1


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/_gateway/messages", "/v1/nothing"])
def test_pages_may_not_read_the_rest(client: Client, path: str) -> None:
    """What is not for pages has no header that lets them read it."""
    response = client.get(path, headers={"Origin": "https://shop.test"})
    assert [name for name in response.headers if name.startswith("access-control")] == []


def test_settings_of_a_page(client: Client) -> None:
    """The settings for the browser's SDK make it send only to this gateway."""
    response = client.get("/v1/projects/key/settings")
    here = {"apiKey": "key", "apiHost": "localhost/v1", "protocol": "http"}
    assert response.json == {"integrations": {"Segment.io": here}, "plan": {}}


def test_settings_of_an_unknown_source(gateway: TestGateway) -> None:
    """An unknown write key has no settings."""
    client = gateway.client(sources=Sources(gateway.pipeline, write_keys=["key"]))
    assert client.get("/v1/projects/other/settings").status == 404


def test_metrics_of_the_sdk(client: Client) -> None:
    """The counts that the browser's SDK sends of itself are accepted."""
    assert client.post("/v1/m", {"series": []}).json == {"success": True}


def test_unknown_path(client: Client) -> None:
    """An unknown path names the known ones."""
    response = client.post("/v1/trak", {})
    assert response.status == 404
    assert "/v1/track" in response.text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/track", "POST, OPTIONS"),
        ("PUT", "/v1/batch", "POST, OPTIONS"),
        ("POST", "/healthz", "GET, HEAD, OPTIONS"),
    ],
)
def test_another_method(client: Client, method: str, path: str, allowed: str) -> None:
    """A wrong method is answered with the right ones."""
    response = client.call(method, path, [b""])
    assert (response.status, response.headers["allow"]) == (405, allowed)
