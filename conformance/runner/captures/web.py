"""Captures of web mode: sessions in a real browser, recorded call by call, request by request.

Each is replayed as one session with the recorded browser and SDK. Calls, the message that each
belongs to, requests and the final storage are compared exactly. Values that differ from run to run
are placeholders on both sides (docs/facts/device-mode.md#capture-file-format). The items of a
batch are compared as a set, because the SDK does not keep their order.
"""

import json
import re
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from conformance.runner.captures.cloud import Recorded, load_captures
from conformance.runner.captures.mobile import load_mobile_captures
from conformance.runner.compare import Difference, compare, compare_sequence
from conformance.spec.data import read
from conformance.spec.scenarios.loading import Json
from conformance.targets.target import Translate
from translator import Rules, Session, Settings, SettingsError, translate
from translator.device.sdk import Browser, WireRequest
from translator.device.sdk.wire import CONTENT_TYPE
from translator.device.session import SessionStep

FILE = "device-web.jsonl"

_NOW_MS = 1_781_524_800_123
_NOW, _NOW_SECONDS = "2026-06-15T12:00:00.123Z", "2026-06-15T12:00:00"
"""The time of a replay. No capture contains it otherwise."""

_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_ENCODINGS = {
    "json": "form:data=<urlencoded JSON>",
    "base64": "form:data=<urlencoded base64 JSON>",
}
_START_UP = -1
"""The step of calls and requests before the first message."""


@dataclass(frozen=True)
class DeviceCapture:
    """One recorded session. `line` is the capture as it is in the file."""

    id: str
    area: str
    line: Json
    mode = "web"

    def given(self) -> Json:
        """The input: the settings, the browser and the messages of the session."""
        names = ("settings", "env", "sdk", "sdk_config", "presend", "session", "then", "sync")
        return {name: self.line[name] for name in names if name in self.line}

    def seen(self) -> Json:
        """Calls, their steps, requests and storage as recorded."""
        names = ("calls", "call_steps", "requests", "storage")
        return _sorted_batches({name: self.line[name] for name in names})

    def outcome(self, rules: Rules, translate: Translate = translate) -> Json:
        """The calls of this project's session; empty if the settings are refused."""
        known = {row.name for row in fields(Settings)}
        given = self.line["settings"]
        try:
            settings = Settings.from_json({key: given[key] for key in given if key in known})
        except SettingsError:
            return {"calls": [], "call_steps": [], "requests": [], "storage": {}}
        env = self.line["env"]
        session = Session(
            settings=settings,
            mode="web",
            rules=rules,
            clock=lambda: _NOW_MS,
            browser=Browser.from_json(env),
            sdk_config=self.line["sdk_config"],
            lib_version=self.line["sdk"],
            others={key: value for key, value in given.items() if key not in known},
        )
        replay = _Replay(session)
        replay.run(self.line)
        return _sorted_batches(replay.as_json())

    def compare(self, expected: Json, actual: Json) -> list[Difference]:
        """Every difference between two outcomes."""
        if _text(expected) == _text(actual):  # nearly always, and much faster
            return []
        return [
            *compare_sequence("calls", expected["calls"], actual["calls"]),
            *compare("call_steps", expected["call_steps"], actual["call_steps"]),
            *compare_sequence("requests", expected["requests"], actual["requests"]),
            *compare("storage", expected["storage"], actual["storage"]),
        ]


class _Replay:
    """A session of this project, recorded in the form of a capture."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._calls: list[tuple[int, Any]] = []
        self._requests: list[tuple[int, WireRequest]] = []

    def run(self, line: Json) -> None:
        """Deliver a capture's messages: before the SDK has loaded, on its page, after reloads."""
        self._note(_START_UP, self._session.start())
        for message in line.get("presend", ()):
            self._note(_START_UP, self._session.deliver(message))
        together = line.get("sync", False)
        for index, message in enumerate(line["session"]):
            self._note(
                0 if together else index, self._session.deliver(message, settle=not together)
            )
        self._requests += [(0, request) for request in self._session.settle()]
        step = len(line["session"])
        for messages in line.get("then", ()):
            self._note(step, self._session.start())
            for message in messages:
                self._note(step, self._session.deliver(message))
                step += 1

    def _note(self, number: int, step: SessionStep) -> None:
        self._calls += [(number, call.as_json()) for call in step.result.calls or ()]
        self._requests += [(number, request) for request in step.requests]

    def as_json(self) -> Json:
        """The recorded session with placeholders."""
        return {
            "calls": _masked([call for _, call in self._calls]),
            "call_steps": [number for number, _ in self._calls],
            "requests": [_request(number, request) for number, request in self._requests],
            "storage": self._storage(),
        }

    def _storage(self) -> Json:
        storage = self._session.storage
        cookies = [
            {
                "name": cookie.name,
                "domain": cookie.domain,
                "path": cookie.path,
                "secure": cookie.secure,
                "sameSite": "Lax",
                "expires_days": cookie.expires_days,
                "value": _masked(json.loads(cookie.value)),
            }
            for cookie in storage.cookies.values()
        ]
        local = {key: _masked(json.loads(text)) for key, text in storage.local.items()}
        return {"cookies": cookies, "localStorage": local}


def _request(step: int, request: WireRequest) -> Json:
    data = {"data": _masked(request.data)}
    query = {key: "<ms>" if key == "_" else value for key, value in request.query.items()}
    return {
        "step": step,
        "method": request.method,
        "host": request.host,
        "path": request.path,
        "query": query,
        "content_type": CONTENT_TYPE,
        "body_encoding": _ENCODINGS[request.encoding],
        "body": data,
    }


_BY_NAME = {
    "$insert_id": "<insert_id>",
    "time": "<time>",
    "$lib_version": "<lib_version>",
    "mp_sent_by_lib_version": "<lib_version>",
}


def _masked(value: Any, name: str = "") -> Any:
    """A copy with placeholders for what differs from run to run."""
    if isinstance(value, dict):
        return {key: _masked(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if _is_own(name, value):
        return _BY_NAME[name]
    if not isinstance(value, str):
        return value
    if value == _NOW:
        return "<now>"
    if value == _NOW_SECONDS:
        return "<now:YYYY-MM-DDTHH:MM:SS>"
    return _UUID.sub("<uuid>", value)


def _is_own(name: str, value: Any) -> bool:
    """Whether a property has a value of the SDK and not one of the user."""
    if name == "time":
        return bool(value == _NOW_MS / 1000)
    if name == "$insert_id":
        return isinstance(value, str) and re.fullmatch("[0-9a-z]{1,16}", value) is not None
    return name in _BY_NAME


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def _sorted_batches(outcome: Json) -> Json:
    for request in outcome["requests"]:
        if isinstance(request["body"]["data"], list):
            request["body"]["data"].sort(key=lambda item: json.dumps(item, sort_keys=True))
    return outcome


@cache
def load_device_captures() -> tuple[DeviceCapture, ...]:
    """All captures of web mode in the order of the file."""
    lines = map(json.loads, read("captures", FILE).splitlines())
    return tuple(DeviceCapture(line["id"], line["area"], line) for line in lines)


def all_captures() -> tuple[Recorded, ...]:
    """The captures of every mode."""
    return (*load_captures(), *load_device_captures(), *load_mobile_captures())
