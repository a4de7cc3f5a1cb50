"""Answers that go wrong on purpose.

A rule says which requests it is for (`match`) and what happens instead (`action`):

    {"match": {"path": "/track", "token": "T", "nth": 2, "times": 1}, "action": {"status": 503}}

`nth` is the first matching request it acts on, from 1; `times` how often it acts (without a limit,
or once if `nth` is given); `probability` (with `seed`) lets chance decide, the same way every time.
Actions, exactly one of:

- `{"status": 503, "body": "...", "headers": {"Retry-After": "2"}}`: answer this, store nothing;
- `{"status0": "a temporary failure occurred"}`: 200 with that error and status 0, store nothing;
- `{"close": true}`: close the connection without an answer, store nothing;
- `{"store_then": ACTION}`: store everything, then do one of the above.
"""

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mock_mixpanel.replies import DROPPED, JSON_TYPE, Reply, received, to_json

MATCHES = ("path", "token", "nth", "times", "probability", "seed")
ACTIONS = ("status", "status0", "close", "store_then")


class FaultError(ValueError):
    """A rule that cannot be; the message names the member and what it should be."""


@dataclass
class Rule:
    """One rule and how often it was met (`seen`) and acted (`fired`)."""

    id: int
    match: dict[str, Any]
    action: dict[str, Any]
    seen: int = 0
    fired: int = 0
    chance: random.Random = field(default_factory=random.Random)

    def shown(self) -> dict[str, Any]:
        """The rule as JSON."""
        return {
            "id": self.id,
            "match": self.match,
            "action": self.action,
            "seen": self.seen,
            "fired": self.fired,
        }

    @property
    def stores(self) -> bool:
        """Whether the records are stored all the same."""
        return "store_then" in self.action

    def reply(self) -> Reply:
        """What is answered instead."""
        return _reply(self.action.get("store_then", self.action))

    def meets(self, path: str, tokens: set[str]) -> bool:
        """Whether to act on this request; counts it."""
        wanted = self.match.get("path", path).rstrip("/")
        if wanted != path.rstrip("/") or self.match.get("token") not in (None, *tokens):
            return False
        self.seen += 1
        most = self.match.get("times", 1 if "nth" in self.match else None)
        if self.seen < self.match.get("nth", 1) or (most is not None and self.fired >= most):
            return False
        if self.chance.random() >= self.match.get("probability", 1):
            return False
        self.fired += 1
        return True


class Faults:
    """The rules, in the order they were made; the first that acts decides."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._last = 0

    def add(self, data: Any) -> Rule:
        """Make a rule. Raises FaultError if it cannot be."""
        match, action = _checked_rule(data)
        with self._lock:
            self._last += 1
            # Repeatable on purpose: this is no secret.
            chance = random.Random(match.get("seed", 0))  # noqa: S311
            rule = Rule(self._last, match, action, chance=chance)
            self._rules.append(rule)
            return rule

    def pick(self, path: str, tokens: set[str]) -> Rule | None:
        """The rule that acts on a request with records of these projects, if any."""
        with self._lock:
            return next((rule for rule in self._rules if rule.meets(path, tokens)), None)

    def shown(self) -> list[dict[str, Any]]:
        """All rules as JSON, oldest first."""
        with self._lock:
            return [rule.shown() for rule in self._rules]

    def remove(self, number: int) -> bool:
        """Remove a rule; False if there is none of that id."""
        with self._lock:
            before = len(self._rules)
            self._rules = [rule for rule in self._rules if rule.id != number]
            return len(self._rules) < before

    def forget(self, token: str | None) -> None:
        """Remove all rules, or those that are for one project."""
        with self._lock:
            self._rules = [
                rule for rule in self._rules if token and rule.match.get("token") != token
            ]


def _reply(action: Mapping[str, Any]) -> Reply:
    if "close" in action:
        return DROPPED
    if "status0" in action:
        return received(action["status0"], verbose=True)
    body, headers = action.get("body", ""), action.get("headers", {})
    if isinstance(body, str):
        return Reply(action["status"], body.encode(), "text/plain; charset=utf-8", headers)
    return Reply(action["status"], to_json(body), JSON_TYPE, headers)


def _checked_rule(data: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    rule = _members("fault", data, ("match", "action"))
    match = _members("match", rule.get("match", {}), MATCHES)
    checks = {
        "path": (_text, "a path such as /track"),
        "token": (_text, "a token"),
        "nth": (_count, "a count from 1"),
        "times": (_count, "a count from 1"),
        "probability": (_probability, "a number from 0 to 1"),
        "seed": (_integer, "an integer"),
    }
    for name, value in match.items():
        check, wanted = checks[name]
        if not check(value):
            raise FaultError(f"match.{name}: expected {wanted}")
    if "action" not in rule:
        raise FaultError(f"action: missing; give one of {', '.join(ACTIONS)}")
    _check_action("action", rule["action"], ACTIONS)
    return match, dict(rule["action"])


def _check_action(where: str, data: Any, kinds: tuple[str, ...]) -> None:
    action = _members(where, data, (*kinds, "body", "headers"))
    chosen = [kind for kind in kinds if kind in action]
    if len(chosen) != 1:
        raise FaultError(f"{where}: expected exactly one of {', '.join(kinds)}")
    if "status" not in chosen and len(action) > 1:
        raise FaultError(f"{where}: body and headers go only with status")
    value = action[chosen[0]]
    if chosen == ["status"] and not (_integer(value) and 200 <= value <= 599):
        raise FaultError(f"{where}.status: expected an HTTP status from 200 to 599")
    if chosen == ["status0"] and not _text(value):
        raise FaultError(f"{where}.status0: expected the error text")
    if chosen == ["close"] and value is not True:
        raise FaultError(f"{where}.close: expected true")
    if chosen == ["store_then"]:
        _check_action(f"{where}.store_then", value, kinds[:-1])
    headers = _members(f"{where}.headers", action.get("headers", {}), None)
    for name, text in headers.items():
        if not isinstance(text, str) or any(char in "\r\n\0" for char in name + text):
            raise FaultError(f"{where}.headers.{name}: expected a text of one line")


def _members(where: str, data: Any, known: tuple[str, ...] | None) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise FaultError(f"{where}: expected an object")
    for name in data:
        if known and name not in known:
            raise FaultError(f"{where}.{name}: unknown; known are {', '.join(known)}")
    return data


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return _integer(value) and value >= 1


def _probability(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
