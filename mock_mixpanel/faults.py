"""Answers that go wrong on purpose.

A rule says which requests it is for (`match`) and what happens instead (`action`):

    {"match": {"path": "/track", "token": "T", "nth": 2, "times": 1}, "action": {"status": 503}}

`nth` is the first matching request it acts on, from 1; `times` how often it acts (without a limit,
or once if `nth` is given); `probability` (with `seed`) lets chance decide, the same way every time.
Actions are in `fault_actions`.
"""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mock_mixpanel.fault_actions import ACTIONS, Action, FaultError, read_action

MATCHES = ("path", "token", "nth", "times", "probability", "seed")


@dataclass
class Rule:
    """One rule and how often it was met (`seen`) and acted (`fired`)."""

    id: int
    match: dict[str, Any]
    action: Action
    seen: int = 0
    fired: int = 0
    chance: random.Random = field(default_factory=random.Random)

    def shown(self) -> dict[str, Any]:
        """The rule as JSON."""
        return {
            "id": self.id,
            "match": self.match,
            "action": self.action.data,
            "seen": self.seen,
            "fired": self.fired,
        }

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

    def add(self, *rules: Any) -> Sequence[Rule]:
        """Make rules, all or none. Raises FaultError if one cannot be."""
        checked = [_checked_rule(rule) for rule in rules]
        with self._lock:
            made = []
            for match, action in checked:
                self._last += 1
                # Repeatable on purpose: this is no secret.
                chance = random.Random(match.get("seed", 0))  # noqa: S311
                made.append(Rule(self._last, match, action, chance=chance))
            self._rules += made
            return made

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


def _checked_rule(data: Any) -> tuple[dict[str, Any], Action]:
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
    return match, read_action(rule["action"])


def _members(where: str, data: Any, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise FaultError(f"{where}: expected an object")
    for name in data:
        if name not in known:
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
