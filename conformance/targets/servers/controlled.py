"""The target `http:URL`: a server that takes Segment's calls, settings and time.

It takes the commands of the protocol at `POST /_conformance`. There `deliver` has the time but no
messages, and its answer means that everything is delivered. The messages come through the Tracking
API.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from conformance.errors import DriverBroken
from conformance.spec.scenarios.loading import Json, Scenario
from conformance.targets.protocol import (
    About,
    TranslatorFailed,
    Unsupported,
    about,
    answers,
    start_command,
    timed_command,
)
from conformance.targets.servers.segment_server import SegmentServer
from conformance.targets.target import (
    Answer,
    CannotRun,
    Setup,
    TargetFailed,
    TargetSession,
    with_capabilities,
)
from conformance.targets.target_responses import handshake, json_values, open_session


class HttpTarget:
    """A server that accepts settings and time."""

    fixed_settings = None

    def __init__(self, url: str, *, timeout_seconds: float = 30) -> None:
        self._server = SegmentServer(url, timeout_seconds=timeout_seconds)
        self._about: About | None = None

    def about(self) -> About:
        """The server's description of itself. Raises DriverBroken or UsageError without one."""
        if self._about is None:
            command = start_command({"token": "T"}, "cloud", "documented")
            self._about = handshake(lambda: self._start(command), self._server.url)
        return self._about

    def adapted(self, scenario: Scenario) -> Scenario:
        """The scenario, unchanged. Raises CannotRun if it needs a capability that is missing."""
        return with_capabilities(self.about(), scenario)

    def open(self, setup: Setup) -> TargetSession:
        """A session with these settings."""
        assert setup.mock is not None
        command = start_command(
            setup.settings, setup.mode, setup.rules, setup.base_urls, setup.mock.clock_url
        )
        found = open_session(self.about(), setup, lambda: self._start(command))
        return _HttpSession(self._server, found.tells) if isinstance(found, About) else found

    def close(self) -> None:
        """Close the kept connections."""
        self._server.close()

    def _start(self, command: Json) -> About:
        found = about(self._server.ask(command), f"{self._server.url}: the answer to 'start'")
        if found.does != "deliver":
            raise DriverBroken(f"{self._server.url}: 'does' must be 'deliver'")
        return found


class _HttpSession:
    """One scenario at such a server. Behind the Tracking API nothing is said of single messages."""

    def __init__(self, server: SegmentServer, tells: frozenset[str]) -> None:
        self._server = server
        self.observes = tells & {"settings"} | {"requests"}
        self._now: datetime | None = None

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        self._now = now
        self._settle()
        notes = [self._server.send(message) for message in json_values(messages)]
        self._settle()
        return [Answer(note=note) for note in notes]

    def flush(self) -> None:
        """Nothing: an answer means that all is delivered."""

    def close(self) -> None:
        self._server.ask({"command": "stop"})

    def _settle(self) -> None:
        """Tell the time, and wait until everything is delivered."""
        assert self._now is not None
        reply = self._server.ask(timed_command("deliver", [], self._now))
        try:
            answers(reply, [], "deliver", f"{self._server.url}: the answer to 'deliver'")
        except Unsupported as error:
            raise CannotRun(str(error)) from error
        except TranslatorFailed as error:
            raise TargetFailed(str(error)) from error
