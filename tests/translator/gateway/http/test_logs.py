"""What the gateway says of the requests that it gets."""

import json
from io import StringIO
from typing import Any

import pytest

from tests.translator.gateway.build import NOW, TestGateway
from translator.gateway import Sources
from translator.sender.logs import logging_to

KEY = "very-secret-write-key"
LINE = {"at": "2026-06-15T12:00:00.000+00:00", "level": "info", "logger": "translator.gateway"}


class Watched:
    """A gateway and what it logs; each request takes a quarter of a second."""

    def __init__(self, gateway: TestGateway, **sources: Any) -> None:
        ticks = iter(range(1000))
        self.client = gateway.client(
            sources=Sources(gateway.pipeline, **sources), timer=lambda: next(ticks) / 4
        )
        self._err = StringIO()

    @property
    def text(self) -> str:
        return self._err.getvalue()

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.text.splitlines()]

    def logging(self, level: str = "info", **hidden: Any) -> Any:
        return logging_to(self._err, level, now=lambda: NOW, **hidden)


def request(method: str, path: str, status: int, messages: int = 0) -> dict[str, Any]:
    said = {"method": method, "path": path, "status": status, "messages": messages}
    return {**LINE, "event": "request", **said, "seconds": 0.25}


def test_each_request_is_a_line(gateway: TestGateway) -> None:
    """Method, path, status, number of messages and time; the level decides whether it is shown."""
    watched = Watched(gateway)
    batch = [{"type": "track", "event": name, "userId": "u"} for name in "ABC"]
    with watched.logging():
        watched.client.post("/v1/batch", {"batch": batch})
        watched.client.post("/v1/track", {"event": "E", "userId": "u"})
        watched.client.post("/v1/track", b"{")
        watched.client.get("/healthz?deep=1")
    assert watched.lines() == [
        request("POST", "/v1/batch", 200, 3),
        request("POST", "/v1/track", 200, 1),
        request("POST", "/v1/track", 400),
        request("GET", "/healthz", 503),  # nothing is delivered here
    ]


def test_requests_are_not_shown_by_default(gateway: TestGateway) -> None:
    """A request is not logged as a warning, even if it is refused."""
    watched = Watched(gateway)
    with watched.logging("warning"):
        assert watched.client.post("/v1/track", b"{").status == 400
    assert watched.text == ""


def test_nothing_that_a_request_holds_is_shown(gateway: TestGateway) -> None:
    """Neither bodies nor headers nor queries nor write keys, right or wrong, come into the log."""
    watched = Watched(gateway, write_keys=["another"])
    body = {"event": "E-vent", "userId": "ann@example.com", "writeKey": KEY}
    with watched.logging("debug"):
        watched.client.post(f"/v1/track?key={KEY}", body, write_key=KEY)
        watched.client.get(f"/v1/projects/{KEY}/settings")
        watched.client.get(f"/v1/projects/{KEY}/setings")
        watched.client.get(f"/projects/{KEY}")
    unknown, *lines = watched.lines()
    assert (unknown["event"], unknown["messages"]) == ("unknown_write_key", 1)
    assert lines == [
        request("POST", "/v1/track", 200, 1),
        request("GET", "/v1/projects/<write_key>/settings", 404),
        request("GET", "/v1/projects/<write_key>/setings", 404),
        request("GET", "/projects/<write_key>", 404),
    ]
    assert [each for each in (KEY, "E-vent", "ann@example.com") if each in watched.text] == []


def test_a_line_stays_one_line(gateway: TestGateway) -> None:
    """A path can hold line ends and be long: it is cut, and no line of its own is made of it."""
    watched = Watched(gateway)
    with watched.logging():
        watched.client.get("/\n{}" + "x" * 500)
    assert [line["path"] for line in watched.lines()] == ["/\n{}" + "x" * 196]


def test_a_defect_is_an_error(gateway: TestGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that fails by our fault is one error with its trace, and no text of the fault."""

    def broken() -> int:
        raise RuntimeError(f"it quotes {KEY}")

    monkeypatch.setattr(gateway.pipeline.delivery, "oldest_waiting", broken)
    watched = Watched(gateway)
    with watched.logging("error"):
        assert watched.client.get("/healthz").status == 500
    [line] = watched.lines()
    assert line.pop("trace").endswith("RuntimeError")
    said = {"event": "defect", "method": "GET", "path": "/healthz"}
    assert line == {**LINE, "level": "error", **said}


def test_skips_are_logged_with_their_reason(gateway: TestGateway) -> None:
    """What is not sent on purpose is one line each at level info, with message, code and reason."""
    watched = Watched(gateway)
    with watched.logging():
        watched.client.post("/v1/group", {"userId": "u", "groupId": "g", "messageId": "m"})
    skipped = [line for line in watched.lines() if line["event"] == "skipped"]
    assert [(each["messageId"], each["code"]) for each in skipped] == [
        ("m", "group_not_configured")
    ]
    assert skipped[0]["reason"]


def test_unknown_keys_do_not_flood_the_log(gateway: TestGateway) -> None:
    """Calls with an unknown write key are a warning at most every ten seconds."""
    watched = Watched(gateway, write_keys=["another"])
    with watched.logging("warning"):
        for _ in range(5):
            watched.client.post("/v1/track", {"event": "E", "userId": "u"}, write_key=KEY)
    assert [line["event"] for line in watched.lines()] == ["unknown_write_key"]
    assert "gateway_unknown_write_key_total 5.0" in watched.client.get("/metrics").text
