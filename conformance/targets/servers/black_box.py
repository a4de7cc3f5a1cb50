"""The target `http:URL` with `--settings`: a server that accepts only Segment's calls.

It accepts neither settings nor time. So scenarios with other settings are skipped, the times of the
others are shifted to now, and the mock is watched until no more requests arrive.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from conformance.errors import DriverBroken, UsageError
from conformance.runner.mock import Mock
from conformance.spec.scenarios.loading import Json, Scenario
from conformance.targets.protocol import About
from conformance.targets.servers.segment_server import SegmentServer
from conformance.targets.servers.time_shift import shifted
from conformance.targets.target import Answer, CannotRun, Setup, TargetSession
from conformance.targets.target_responses import json_values
from translator import Settings, SettingsError

QUIET_SECONDS = 0.5
"""Longer if the first record was slow."""

POLL_SECONDS = 0.02


class WatchedTarget:
    """A server whose `settings` are fixed.

    `timeout_seconds` limits the wait for a response and for the first record at the mock. A call is
    finished when no record has arrived for `quiet_seconds`. Raises UsageError for invalid settings.
    """

    def __init__(
        self,
        url: str,
        settings: Json,
        *,
        timeout_seconds: float = 30,
        quiet_seconds: float = QUIET_SECONDS,
    ) -> None:
        self._server = SegmentServer(url, timeout_seconds=timeout_seconds)
        self._timeout_seconds = timeout_seconds
        self._least_quiet_seconds = quiet_seconds
        self._quiet_seconds: float | None = None
        self.fixed_settings: Json | None = settings
        try:
            self._known = Settings.from_json(settings)
        except SettingsError as error:
            raise UsageError(f"--settings: {error}") from error

    def about(self) -> About:
        """The assumed capabilities of the server."""
        cloud, documented = frozenset(["cloud"]), frozenset(["documented"])
        return About(self._server.url, "deliver", cloud, documented, frozenset())

    def adapted(self, scenario: Scenario) -> Scenario:
        """The scenario as it can be replayed here. Raises CannotRun if it cannot."""
        if scenario.expect.settings_error is not None:
            raise CannotRun("the server cannot be given settings that it would refuse")
        if Settings.from_json(scenario.settings) != self._known:
            raise CannotRun("the scenario has other settings than the server")
        if scenario.mode != "cloud":
            raise CannotRun(f"the translator has no {scenario.mode} mode")
        if scenario.rules != "documented":
            raise CannotRun("the server is assumed to follow the documented rules")
        if scenario.delivery:
            raise CannotRun("the scenario is about the set-up of this project's sender")
        return shifted(scenario, datetime.now(UTC))

    def open(self, setup: Setup) -> TargetSession:
        """A session, which the server does not know about."""
        assert setup.mock is not None
        return _Watched(self, self._server, setup.mock)

    def settle(self, mock: Mock, before: int) -> None:
        """Wait until no more requests arrive at the mock, which had received `before` requests.

        The first call waits for a first request. Raises DriverBroken if none arrives.
        """
        if self._quiet_seconds is None:
            self._quiet_seconds = self._first_arrival(mock, before)
        count, quiet_since = len(mock.requests()), time.monotonic()
        while time.monotonic() - quiet_since < self._quiet_seconds:
            time.sleep(POLL_SECONDS)
            now = len(mock.requests())
            if now != count:
                count, quiet_since = now, time.monotonic()

    def _first_arrival(self, mock: Mock, before: int) -> float:
        """Seconds without a request after which a call is finished: at least twice the delay of the
        first record."""
        start = time.monotonic()
        while len(mock.requests()) == before:
            if time.monotonic() - start > self._timeout_seconds:
                hosts = ", ".join(f"{host} is {url}" for host, url in mock.base_urls.items())
                raise DriverBroken(
                    f"{self._server.url}: nothing reached the mock in {self._timeout_seconds:g} "
                    f"seconds; the server must send there ({hosts}); --mock-port fixes the ports"
                )
            time.sleep(POLL_SECONDS)
        return max(self._least_quiet_seconds, 2 * (time.monotonic() - start))

    def close(self) -> None:
        """Close the kept connections."""
        self._server.close()


class _Watched:
    """One scenario at such a server."""

    observes = frozenset(["requests"])

    def __init__(self, target: WatchedTarget, server: SegmentServer, mock: Mock) -> None:
        self._target, self._server, self._mock = target, server, mock

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        before = len(self._mock.requests())
        notes = [self._server.send(message) for message in json_values(messages)]
        if not all(notes):
            self._target.settle(self._mock, before)
        return [Answer(note=note) for note in notes]

    def flush(self) -> None:
        """Do nothing: delayed records arrived while the mock was watched."""

    def close(self) -> None:
        """Nothing is open."""
