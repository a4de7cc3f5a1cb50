"""The mock Mixpanel as the engine uses it: its address, its clock, its journal and its state."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote

from flask import Flask

from conformance.errors import EngineError, UsageError
from conformance.spec.scenarios.loading import Json
from mock_mixpanel import Config, Server
from mock_mixpanel.app import create_app
from translator.core.residency import HOSTS


class MockRefused(EngineError):
    """The mock refuses a request to its control API; the text has the reason."""


class Mock:
    """A client of the mock's own API, which it calls in this process.

    `base_urls` maps Mixpanel's hosts to the mock's. Targets send there over HTTP; only the engine's
    own dozen calls for each scenario do without a socket. Every method raises EngineError if the
    mock does not answer as it should.
    """

    def __init__(self, app: Flask, base_urls: Mapping[str, str]) -> None:
        self.base_urls = dict(base_urls)
        self._control_url = self.base_urls[HOSTS["us"]]
        self._client = app.test_client(use_cookies=False)

    @property
    def clock_url(self) -> str:
        """Where the virtual clock is read and moved."""
        return f"{self._control_url}/_mock/clock"

    def reset(self) -> None:
        """Forget everything."""
        self._call("POST", "reset", {})

    def set_project(self, token: str, options: Json) -> None:
        """Set the options of a project."""
        self._call("PUT", f"projects/{quote(token, safe='')}", options)

    def add_faults(self, rules: Sequence[Json]) -> None:
        """Make answers go wrong; a reset ends it."""
        self._call("POST", "faults", list(rules))

    def freeze(self, now: str) -> None:
        """Stop the virtual clock at a moment."""
        self._call("POST", "clock", {"now": now, "freeze": True})

    def advance(self, seconds: float) -> None:
        """Move the virtual clock."""
        self._call("POST", "clock", {"advance": seconds})

    def now(self) -> datetime:
        """The virtual clock's moment."""
        return datetime.fromisoformat(self._call("GET", "clock")["now"])

    def requests(self) -> list[Json]:
        """The journal of requests, of all tokens and regions."""
        found: list[Json] = self._call("GET", "requests")
        return found

    def rejected(self) -> list[Json]:
        """The records that were refused, dropped or without effect, of all tokens and regions."""
        found: list[Json] = self._call("GET", "rejected")
        return found

    def state(self, section: str, token: str) -> Any:
        """`events`, `profiles`, `groups` or `identities` of a project."""
        return self._call("GET", f"{section}?token={quote(token, safe='')}")

    def _call(self, method: str, path: str, body: Json | list[Json] | None = None) -> Any:
        url = f"{self._control_url}/_mock/{path}"
        answer = self._client.open(url, method=method, json=body)
        if answer.status_code >= 400:
            kind = MockRefused if answer.status_code < 500 else EngineError
            raise kind(f"{method} {url}: HTTP {answer.status_code}: {answer.text:.500}")
        return answer.json


@contextmanager
def running_mock(port: int = 0) -> Iterator[Mock]:
    """A mock server of our own on 127.0.0.1, until the context ends.

    On free ports, or with the US at `port` and the EU at the next one. Raises UsageError if one of
    them is taken.
    """
    server = Server(Config(), port=port, eu_port=port + 1 if port else 0, in_port=0)
    try:
        server.start()
    except OSError as error:
        raise UsageError(f"the mock cannot listen on {port} and {port + 1}: {error}") from error
    try:
        base_urls = {host: server.urls[region] for region, host in HOSTS.items()}
        yield Mock(create_app(backend=server.backend), base_urls)
    finally:
        server.stop()
