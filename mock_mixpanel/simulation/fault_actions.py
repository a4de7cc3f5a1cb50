"""The actions of faults: how each changes the response, as a table of pure functions.

An action is exactly one of

- `{"status": 503, "body": "...", "headers": {"Retry-After": "2"}}`: answer this; without `body`
  what Mixpanel says at that endpoint with that status (see `replies.failure`);
- `{"status0": "a temporary failure occurred"}`: 200 with that error and status 0;
- `{"close": "before"}` (or `true`): close the connection without an answer; `"during"`: after half
  of the answer's body; `"after"`: after a whole answer that promised to keep the connection;
- `{"store_then": ACTION}`: store everything, then do one of the others;
- `{"truncate": 9}`: the first 9 bytes of the true answer, as a well-formed HTTP answer;
- `{"garbage": 64}`: 64 bytes that are neither text nor JSON in place of the true answer, under its
  status and content type;
- `{"delay": 2.5}`: the true answer, delayed by this number of real seconds. `delay` goes with the
  others too.

What gives a client the true answer, `delay` alone and `{"close": "after"}`, stores the records;
the others store nothing, unless they are in a `store_then`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from mock_mixpanel.ingest import replies
from mock_mixpanel.ingest.replies import JSON_TYPE, Reply
from mock_mixpanel.json_values import to_json
from mock_mixpanel.suggestions import suggestion

LONGEST_DELAY = 600
LONGEST_GARBAGE = 1024 * 1024
CLOSINGS = ("before", "during", "after")
WITHOUT_BODY = (204, 205, 304)
FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})
"""Headers that the server sets itself; use `close` to break the framing."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")

Answering = Callable[[Mapping[str, Any], str, Reply], Reply]


class FaultError(ValueError):
    """An invalid rule; the message names the member and the expected value."""


class FaultKind(NamedTuple):
    """One kind of action: its value's check, what is `wanted`, and the answer from the action's
    members, the endpoint and the true answer."""

    check: Callable[[Any], bool]
    wanted: str
    answer: Answering


@dataclass(frozen=True)
class Action:
    """A checked action; `data` is as it was given. `delay` is in real seconds."""

    data: Mapping[str, Any]
    kind: str
    stores: bool
    delay: float = 0

    def answer(self, endpoint: str, true: Reply) -> Reply:
        """The response of an endpoint in place of the true one."""
        data = self.data.get("store_then", self.data)
        return replace(_KINDS[self.kind].answer(data, endpoint, true), delay=self.delay)


def read_action(data: Any) -> Action:
    """Read an action from JSON. Raises FaultError if it is invalid."""
    where, action = "action", data
    kind = _kind(where, action, ACTIONS)
    stores = kind == "store_then"
    if stores:
        if len(action) > 1:
            raise FaultError("action: with store_then, everything else goes inside it")
        where, action = "action.store_then", action["store_then"]
        kind = _kind(where, action, tuple(name for name in ACTIONS if name != "store_then"))
    _check(where, action, kind)
    true_answer = kind == "delay" or action.get("close") == "after"
    return Action(data, kind, stores or true_answer, float(action.get("delay", 0)))


def _kind(where: str, action: Any, allowed: tuple[str, ...]) -> str:
    """The one kind an action has; `delay` only if there is no other."""
    if not isinstance(action, dict):
        raise FaultError(f"{where}: expected an object")
    known = (*allowed, "body", "headers")
    for name in action:
        if name not in known:
            raise FaultError(f"{where}.{name}: unknown{suggestion(name, known)}")
    chosen = [name for name in allowed if name in action and name != "delay"]
    if len(chosen) > 1 or not (chosen or "delay" in action):
        raise FaultError(f"{where}: expected exactly one of {', '.join(allowed)}")
    return chosen[0] if chosen else "delay"


def _check(where: str, action: Mapping[str, Any], kind: str) -> None:
    """Raise FaultError for the first invalid member of an action."""
    if kind != "status" and {"body", "headers"} & set(action):
        raise FaultError(f"{where}: body and headers go only with status")
    for name in (kind, "delay"):
        if name in action and not _KINDS[name].check(action[name]):
            raise FaultError(f"{where}.{name}: expected {_KINDS[name].wanted}")
    headers = action.get("headers", {})
    if not isinstance(headers, dict):
        raise FaultError(f"{where}.headers: expected an object")
    for name, text in headers.items():
        if not isinstance(text, str) or not _HEADER_VALUE.fullmatch(text):
            raise FaultError(f"{where}.headers.{name}: expected a text of one line, in Latin-1")
        if not _HEADER_NAME.fullmatch(name):
            raise FaultError(f"{where}.headers: {name!r} is not a valid header name")
        if name.lower() in FRAMING:
            raise FaultError(f"{where}.headers.{name}: is the server's own; leave it out")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _count_to(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: _number(value) and isinstance(value, int) and least <= value <= most


def _status(action: Mapping[str, Any], endpoint: str, _true: Reply) -> Reply:
    status, headers = action["status"], action.get("headers", {})
    if status in WITHOUT_BODY:
        return Reply(status, b"", "", headers)
    if "body" not in action:
        return replace(replies.failure(endpoint, status), headers=headers)
    body = action["body"]
    if isinstance(body, str):
        return Reply(status, body.encode(), "text/plain; charset=utf-8", headers)
    return Reply(status, to_json(body), JSON_TYPE, headers)


def _status0(action: Mapping[str, Any], _endpoint: str, _true: Reply) -> Reply:
    return replies.received(action["status0"], verbose=True)


def _close(action: Mapping[str, Any], _endpoint: str, true: Reply) -> Reply:
    return replace(true, cut="before" if action["close"] is True else action["close"])


def _truncate(action: Mapping[str, Any], _endpoint: str, true: Reply) -> Reply:
    return replace(true, body=true.body[: action["truncate"]])


def _garbage(action: Mapping[str, Any], _endpoint: str, true: Reply) -> Reply:
    # Bytes no UTF-8 text can have.
    return replace(true, body=(b"\xff\xfe\x00\xc1" * LONGEST_GARBAGE)[: action["garbage"]])


def _delay(_action: Mapping[str, Any], _endpoint: str, true: Reply) -> Reply:
    return true


_KINDS = {
    "status": FaultKind(_count_to(200, 599), "an HTTP status from 200 to 599", _status),
    "status0": FaultKind(
        lambda value: isinstance(value, str) and value != "", "the error text", _status0
    ),
    "close": FaultKind(
        lambda value: value is True or (isinstance(value, str) and value in CLOSINGS),
        f"true or one of {', '.join(CLOSINGS)}",
        _close,
    ),
    "truncate": FaultKind(_count_to(0, LONGEST_GARBAGE), "how many bytes are left", _truncate),
    "garbage": FaultKind(
        _count_to(1, LONGEST_GARBAGE), f"how many bytes, 1 to {LONGEST_GARBAGE}", _garbage
    ),
    "delay": FaultKind(
        lambda value: _number(value) and 0 <= value <= LONGEST_DELAY,
        f"seconds, 0 to {LONGEST_DELAY}",
        _delay,
    ),
}
ACTIONS = ("status", "status0", "close", "store_then", "truncate", "garbage", "delay")
