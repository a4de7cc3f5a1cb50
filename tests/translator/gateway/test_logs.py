"""What the gateway says of the requests that it gets."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.translator.gateway.test_app import NOW, Gateway
from translator.sender.books.spool import Spool
from translator.sender.logs import logging_to

KEY = "very-secret-write-key"
LINE = {"at": "2026-06-15T12:00:00.000+00:00", "level": "info", "logger": "translator.gateway"}


class Watched:
    """A gateway and what it logs; each request takes a quarter of a second."""

    def __init__(self, spool: Spool, **options: Any) -> None:
        ticks = iter(range(1000))
        self.gateway = Gateway(spool)
        self.client = self.gateway.client(timer=lambda: next(ticks) / 4, **options)
        self._err = StringIO()

    @property
    def text(self) -> str:
        return self._err.getvalue()

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.text.splitlines()]

    def logging(self, level: str = "info", **hidden: Any) -> Any:
        return logging_to(self._err, level, now=lambda: NOW, **hidden)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path / "spool") as made:
        yield made


def request(method: str, path: str, status: int, messages: int = 0) -> dict[str, Any]:
    said = {"method": method, "path": path, "status": status, "messages": messages}
    return {**LINE, "event": "request", **said, "seconds": 0.25}


def test_each_request_is_a_line(spool: Spool) -> None:
    """Method, path, status, number of messages and time; the level decides whether it is shown."""
    watched = Watched(spool)
    batch = [{"type": "track", "event": name, "userId": "u"} for name in "ABC"]
    with watched.logging():
        watched.client.post("/v1/batch", json={"batch": batch})
        watched.client.post("/v1/track", json={"event": "E", "userId": "u"})
        watched.client.post("/v1/track", data="{")
        watched.client.get("/healthz?deep=1")
    assert watched.lines() == [
        request("POST", "/v1/batch", 200, 3),
        request("POST", "/v1/track", 200, 1),
        request("POST", "/v1/track", 400),
        request("GET", "/healthz", 200),
    ]


def test_requests_are_not_shown_by_default(spool: Spool) -> None:
    """A request is no warning, even if it is refused."""
    watched = Watched(spool, write_keys=[KEY])
    with watched.logging("warning"):
        assert watched.client.post("/v1/track", json={"event": "E"}).status_code == 401
    assert watched.text == ""


def test_nothing_that_a_request_holds_is_shown(spool: Spool) -> None:
    """Neither bodies nor headers nor queries nor write keys, right or wrong, come into the log."""
    watched = Watched(spool, write_keys=["another"])
    body = {"event": "E-vent", "userId": "ann@example.com", "writeKey": KEY}
    with watched.logging("debug"):
        watched.client.post(f"/v1/track?key={KEY}", json=body, auth=(KEY, ""))
        watched.client.get(f"/v1/projects/{KEY}/settings")
        watched.client.get(f"/v1/projects/{KEY}/setings")
        watched.client.get(f"/projects/{KEY}")
    assert watched.lines() == [
        request("POST", "/v1/track", 401, 0),
        request("GET", "/v1/projects/<write_key>/settings", 404),
        request("GET", "/v1/projects/<write_key>/setings", 404),
        request("GET", "/projects/<write_key>", 404),
    ]
    assert [each for each in (KEY, "E-vent", "ann@example.com") if each in watched.text] == []


def test_a_line_stays_one_line(spool: Spool) -> None:
    """A path can hold line ends and be long: it is cut, and no line of its own is made of it."""
    watched = Watched(spool)
    with watched.logging():
        watched.client.get("/%0A{}" + "x" * 500)
    assert [line["path"] for line in watched.lines()] == ["/\n{}" + "x" * 196]


def test_a_defect_is_an_error(spool: Spool) -> None:
    """A request that fails by our fault is one error with its trace, and no text of the fault."""

    def broken() -> bool:
        raise RuntimeError(f"it quotes {KEY}")

    watched = Watched(spool, alive=broken)
    with watched.logging("error"):
        assert watched.client.get("/healthz").status_code == 500
    [line] = watched.lines()
    assert line.pop("trace").endswith("RuntimeError")
    said = {"event": "defect", "method": "GET", "path": "/healthz"}
    assert line == {**LINE, "level": "error", **said}
