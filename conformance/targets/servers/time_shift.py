"""Shifts a scenario to another time, for a server that has a clock of its own.

Every value that is one of the scenario's moments, in what goes in and in what must come out, is
shifted by the same number of whole seconds and keeps its form. What then would still depend on when
exactly the server looks at its clock is not replayed.
"""

import dataclasses
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.spec.scenarios.loading import Scenario
from conformance.targets.target import CannotRun
from translator.core.values.timestamps import IMPORT_AGE_MS, MAX_AGE_MS, parse, to_ms

MARGIN_MS = 120_000
"""Seconds that a scenario may take on the way to a server, and tolerance for its clock."""

TIMES = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
"""The fields of a message that say when it was."""

TIMELESS = ("alias", "group")
"""The calls that reach Mixpanel without a time."""

_MOMENT = re.compile(
    r"(?P<start>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?P<fraction>\.\d+)?(?P<zone>Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_START = "%Y-%m-%dT%H:%M:%S"


def shifted(scenario: Scenario, now: datetime) -> Scenario:
    """The scenario as it would be if its clock started now, to the second.

    Raises CannotRun for one that only makes sense with a clock that the suite can set.
    """
    reason = _reason_against(scenario)
    if reason:
        raise CannotRun(f"the server has a clock of its own: {reason}")
    start = datetime.fromisoformat(scenario.clock)
    move = _Move(scenario, int((now - start).total_seconds()))
    return dataclasses.replace(
        scenario,
        clock=move.value(scenario.clock),
        steps=tuple(
            dataclasses.replace(step, messages=tuple(move.value(list(step.messages))))
            for step in scenario.steps
        ),
        expect=dataclasses.replace(
            scenario.expect,
            requests=move.value(scenario.expect.requests),
            state=move.value(scenario.expect.state),
        ),
        given=move.value(scenario.given),
    )


class _Move:
    """Moves the values that are one of a scenario's moments, in any form."""

    def __init__(self, scenario: Scenario, seconds: int) -> None:
        self._seconds = seconds
        now_ms = to_ms(datetime.fromisoformat(scenario.clock))
        moments = [now_ms, *map(parse, _times(scenario))]
        # Times that are too old stay unchanged: a shifted 1970 would be another error.
        self._ms = {ms for ms in moments if ms is not None and now_ms - ms <= MAX_AGE_MS}
        # Of a time with a fraction Mixpanel gets whole seconds.
        self._ms |= {ms // 1000 * 1000 for ms in self._ms} | {
            -(-ms // 1000) * 1000 for ms in self._ms
        }

    def value(self, value: Any) -> Any:
        """The value with all moments in it shifted."""
        if isinstance(value, dict):
            return {key: self.value(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, str):
            return self._text(value)
        if type(value) in (int, float):
            if value in self._ms:
                return value + 1000 * self._seconds
            if value * 1000 in self._ms:
                return value + self._seconds
        return value

    def _text(self, text: str) -> str:
        if text.isascii() and text.isdecimal():
            return str(self.value(int(text)))
        match = _MOMENT.fullmatch(text)
        if match is None or parse(text) not in self._ms:
            return text
        start = datetime.strptime(match["start"].replace(" ", "T"), _START).replace(tzinfo=UTC)
        later = (start + timedelta(seconds=self._seconds)).strftime(_START)
        later = later.replace("T", match["start"][10])
        return later + (match["fraction"] or "") + (match["zone"] or "")


def _reason_against(scenario: Scenario) -> str | None:
    now_ms = to_ms(datetime.fromisoformat(scenario.clock))
    if scenario.mode != "cloud":
        return "so has a device"
    if scenario.engage:
        return "the scenario moves Engage's"
    if "alias_delay" in scenario.project:
        return "the scenario waits for an alias"
    if scenario.faults:
        return "in the scenario, time passes between two tries"
    if any(step.advance for step in scenario.steps):
        return "the scenario moves it"
    for message in _messages(scenario):
        if isinstance(message, dict) and scenario.expect.requests:
            reason = _reason_in(message, now_ms)
            if reason:
                return reason
    return None


def _reason_in(message: dict[str, Any], now_ms: int) -> str | None:
    if message.get("timestamp") is None and message.get("type") not in TIMELESS:
        return "a message has no timestamp"
    for name in TIMES:
        value = message.get(name)
        ms = parse(value)
        if ms is None:
            continue
        if isinstance(value, str) and not (value.isdecimal() or _MOMENT.fullmatch(value)):
            return f"the {name} {value!r} cannot be moved in its form"
        if any(abs(now_ms - ms - limit) <= MARGIN_MS for limit in (IMPORT_AGE_MS, MAX_AGE_MS)):
            return "a message is as old as a limit"
    return None


def _messages(scenario: Scenario) -> Iterator[Any]:
    for step in scenario.steps:
        yield from step.messages


def _times(scenario: Scenario) -> Iterator[Any]:
    for message in _messages(scenario):
        if isinstance(message, dict):
            yield from (message.get(name) for name in TIMES)
