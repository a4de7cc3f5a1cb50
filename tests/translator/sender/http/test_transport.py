"""The bytes of a request."""

import base64
import gzip

import pytest

from tests.translator.sender.build import US, event, update
from tests.translator.sender.stub import Reply, Stub
from translator.core.operations import Operation
from translator.sender import Sender


def test_small_event(sender: Sender, stub: Stub) -> None:
    """An event is POSTed as a JSON array, asking for a verbose answer and no location."""
    sender.send([Operation("/track", US, {"event": "Häh", "properties": {"token": "T"}})])
    [request] = stub.received
    assert request.target == "/track?verbose=1&ip=0"
    assert request.headers["Content-Type"] == "application/json"
    assert '[{"event":"Häh","properties":{"token":"T"}}]'.encode() == request.body
    assert "Content-Encoding" not in request.headers
    assert "Authorization" not in request.headers


@pytest.mark.parametrize("endpoint", ["/track", "/import"])
def test_large_events_are_compressed(sender: Sender, stub: Stub, endpoint: str) -> None:
    """Bodies of events above 1 KB are compressed."""
    operation = event("Big", endpoint, text="x" * 2000)
    sender.send([operation])
    [request] = stub.received
    assert request.headers["Content-Encoding"] == "gzip"
    assert len(request.body) == int(request.headers["Content-Length"])
    assert gzip.decompress(request.body).startswith(b'[{"event":"Big"')
    assert request.records == [operation.payload]


@pytest.mark.parametrize("endpoint", ["/engage", "/groups"])
def test_profiles_are_never_compressed(sender: Sender, stub: Stub, endpoint: str) -> None:
    """Mixpanel documents no compression for profile updates."""
    payload = {"$token": "T", "$distinct_id": "ann", "$set": {"text": "x" * 5000}}
    sender.send([Operation(endpoint, US, payload)])
    [request] = stub.received
    assert request.target == f"{endpoint}?verbose=1&ip=0"
    assert "Content-Encoding" not in request.headers
    assert request.records == [payload]


def test_import_is_strict_and_authenticated(stub: Stub) -> None:
    """/import carries the API secret as user with an empty password, whatever its letters."""
    with Sender({US: stub.url}, "sécret") as sender:
        sender.send([event("Old", "/import")])
    [request] = stub.received
    assert request.target == "/import?strict=1&ip=0"
    expected = "Basic " + base64.b64encode("sécret:".encode()).decode()
    assert request.headers["Authorization"] == expected


def test_secret_goes_to_import_only(sender: Sender, stub: Stub) -> None:
    """The other endpoints never see the API secret."""
    sender.send([event("A"), update("ann", "$set", {"a": 1}), event("B", "/import")])
    assert ["Authorization" in r.headers for r in stub.received] == [False, False, True]


def test_environment_is_ignored(
    sender: Sender, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy in the environment does not divert what is meant for this machine."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    sender.send([event("A")])
    assert stub.names() == [["A"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [(2**70, b"1180591620717411303424"), ("\ud800", b'"\\ud800"')],
    ids=["huge number", "lone surrogate"],
)
def test_unusual_values_survive(sender: Sender, stub: Stub, value: object, text: bytes) -> None:
    """Numbers beyond 64 bits and lone surrogates arrive as they were."""
    sender.send([update("ann", "$set", {"a": value})])
    [request] = stub.received
    assert request.body == b'[{"$token":"T","$distinct_id":"ann","$set":{"a":%s}}]' % text


def test_another_secret_from_now_on(stub: Stub) -> None:
    """A secret that was replaced is sent no more, and both are hidden in reasons."""
    with Sender({US: stub.url}, "old-secret") as sender:
        sender.send([event("A", "/import")])
        sender.use_secret("new-secret")
        stub.script = [Reply(401, b'{"error": "neither old-secret nor new-secret"}')]
        [refused] = sender.send([event("B", "/import")])
    sent = [base64.b64decode(r.headers["Authorization"].split()[1]) for r in stub.received]
    assert sent == [b"old-secret:", b"new-secret:"]
    assert refused.reason is not None
    assert "neither [redacted] nor [redacted]" in refused.reason
