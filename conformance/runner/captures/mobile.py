"""Captures of the iOS and Android modes: sessions of the real integrations, recorded call by call.

Each is replayed as one session. The calls and the message that each belongs to are compared
exactly. The vendor's SDK was a recorder, so there are no requests. The format is described in
docs/facts/device-android-observed.md#capture-format and
docs/facts/device-ios-observed.md#capture-fields.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from conformance.runner.compare import Difference, compare, compare_sequence
from conformance.spec.data import read
from conformance.spec.scenarios.loading import Json
from conformance.targets.target import Translate
from translator import Rules, Session, translate
from translator.core.operations import SdkCall
from translator.device.mobile.library_settings import library_settings

FILES = {"ios": "device-ios.jsonl", "android": "device-android.jsonl"}

_MODES = {"di": "ios", "da": "android"}
"""The first part of a capture's id -> its mode."""

_NOW_MS = 1_781_524_800_123
_NOW = "2026-06-15T12:00:00.123Z"
"""The time of a replay. No capture contains it otherwise."""

_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_START_UP = -1
"""The step of calls that come before the first message."""


@dataclass(frozen=True)
class MobileCapture:
    """One recorded session. `line` is the capture as it is in the file."""

    id: str
    area: str
    mode: str
    line: Json

    def given(self) -> Json:
        """The input: the settings, and the messages as the library made them."""
        names = ("settings", "app_calls", "session")
        return {name: self.line[name] for name in names if name in self.line}

    def seen(self) -> Json:
        """Calls and their steps as recorded."""
        return self._ordered({name: self.line[name] for name in ("calls", "call_steps")})

    def outcome(self, rules: Rules, translate: Translate = translate) -> Json:
        """The calls of this project's session, with settings as the mode's library reads them."""
        settings = library_settings(self.mode, self.line["settings"])
        if settings is None:
            return {"calls": [], "call_steps": []}
        session = Session(settings=settings, mode=self.mode, rules=rules, clock=lambda: _NOW_MS)
        made: list[tuple[int, SdkCall]] = []
        made += [(_START_UP, call) for call in session.start().result.calls or ()]
        for step, message in enumerate(self.line["session"]):
            made += [(step, call) for call in session.deliver(message).result.calls or ()]
        return self._ordered(
            {
                "calls": [_masked(call.as_json()) for _, call in made],
                "call_steps": [step for step, _ in made],
            }
        )

    def compare(self, expected: Json, actual: Json) -> list[Difference]:
        """Every difference between two outcomes."""
        if json.dumps(expected, sort_keys=True) == json.dumps(actual, sort_keys=True):
            return []  # most pairs are equal, and this is much faster
        return [
            *compare_sequence("calls", expected["calls"], actual["calls"]),
            *compare("call_steps", expected["call_steps"], actual["call_steps"]),
        ]

    def _ordered(self, outcome: Json) -> Json:
        """The outcome, sorted if the order of its calls is not defined."""
        if not self.line.get("unordered"):
            return outcome
        pairs = zip(outcome["call_steps"], outcome["calls"], strict=True)
        ordered = sorted(pairs, key=lambda pair: json.dumps(pair, sort_keys=True))
        return {"calls": [call for _, call in ordered], "call_steps": [step for step, _ in ordered]}


def _masked(value: Any) -> Any:
    """A copy with placeholders for random ids and the moment of the replay."""
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if not isinstance(value, str):
        return value
    return "<now>" if value == _NOW else _UUID.sub("<uuid>", value)


def mode_of(line: Json) -> str:
    """The mode of a recorded session: its key `mode`, else that of its id, else web."""
    prefix = str(line.get("id", "")).partition("/")[0]
    return str(line.get("mode") or _MODES.get(prefix, "web"))


@cache
def load_mobile_captures() -> tuple[MobileCapture, ...]:
    """All captures of the mobile modes in the order of their files."""
    return tuple(
        MobileCapture(line["id"], line["area"], mode, line)
        for mode, file in FILES.items()
        for line in map(json.loads, read("captures", file).splitlines())
    )
