"""The mock Mixpanel as the engine uses it: its address, its clock, its journal and its state."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from conformance.errors import EngineError, UsageError
from conformance.spec.scenarios.loading import Json
from mock_mixpanel import Config, Server
from mock_mixpanel.backend import Backend
from mock_mixpanel.control.lists import Query
from mock_mixpanel.control.reading import LogReader
from mock_mixpanel.json_values import to_json
from mock_mixpanel.projects.config import ConfigError
from mock_mixpanel.simulation.clock import iso, parse_iso
from mock_mixpanel.simulation.fault_actions import FaultError
from translator.core.residency import HOSTS


class MockRefused(EngineError):
    """The mock refuses a project's options, a fault or a time; the text has the reason."""


class Mock:
    """A running mock in this process: the engine controls and reads it without HTTP.

    `base_urls` maps Mixpanel's hosts to the mock's; targets send there over HTTP. Each list has
    what the call of the control API with the same name answers. Methods that change something raise
    MockRefused if the mock refuses the change.
    """

    def __init__(self, backend: Backend, base_urls: Mapping[str, str]) -> None:
        self.base_urls = dict(base_urls)
        self._backend = backend
        self._reading = LogReader(backend)

    @property
    def clock_url(self) -> str:
        """The URL of the virtual clock."""
        return f"{self.base_urls[HOSTS['us']]}/_mock/clock"

    def reset(self) -> None:
        """Delete all data."""
        self._backend.reset()

    def set_project(self, token: str, options: Json) -> None:
        """Set the options of a project."""
        _tried(lambda: self._backend.change_project(token, options))

    def add_faults(self, rules: Sequence[Json]) -> None:
        """Inject faults into responses, until the next reset."""
        _tried(lambda: self._backend.faults.add(*rules))

    def freeze(self, now: str) -> None:
        """Stop the virtual clock at a moment."""
        _tried(lambda: self._backend.clock.change(now=parse_iso(now), freeze=True))

    def advance(self, seconds: float) -> None:
        """Move the virtual clock."""
        _tried(lambda: self._backend.clock.change(advance=seconds))

    def now(self) -> datetime:
        """The time of the virtual clock, to the millisecond."""
        return datetime.fromisoformat(iso(self._backend.clock.now()))

    def requests(self) -> list[Json]:
        """The journal of requests, of all tokens and regions."""
        return _as_json(self._reading.requests(Query(), summary=False))

    def rejected(self) -> list[Json]:
        """The records that were refused, dropped or without effect, of all tokens and regions."""
        return _as_json(self._reading.rejected(Query()))

    def state(self, section: str, token: str) -> Any:
        """`events`, `profiles`, `groups` or `identities` of a project."""
        projections = self._backend.projections
        if section == "identities":
            return json.loads(to_json(projections.identities(token)))
        return _as_json(item.value for item in projections.items(section, token))


def _tried(change: Callable[[], object]) -> None:
    """Change the mock. Raises MockRefused with its reason."""
    try:
        change()
    except (ConfigError, FaultError, ValueError) as error:
        raise MockRefused(str(error)) from error


def _as_json(items: Iterator[Any]) -> list[Json]:
    """A list as the control API writes it."""
    found: list[Json] = json.loads(to_json([*items]))
    return found


@contextmanager
def running_mock(port: int = 0) -> Iterator[Mock]:
    """A new mock server on 127.0.0.1, until the context ends.

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
        yield Mock(server.backend, base_urls)
    finally:
        server.stop()
