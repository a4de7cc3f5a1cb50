"""Faults: failing or delayed responses by rule.

A rule says which requests it is for (`match`) and what happens instead (`action`):

    {"match": {"path": "/track", "token": "T", "nth": 2, "times": 1}, "action": {"status": 503}}

`nth` is the first matching request it acts on, from 1; `times` how often it acts (without a limit,
or once if `nth` is given); `probability` (with `seed`) lets chance decide, the same way every time.
Actions are in `fault_actions`.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mock_mixpanel.log.shared_settings import SharedSettings
from mock_mixpanel.simulation.fault_actions import ACTIONS, Action, FaultError, read_action
from mock_mixpanel.suggestions import suggestion

PART = "faults"
MATCHES = ("path", "token", "nth", "times", "probability", "seed")


@dataclass(frozen=True)
class FaultRule:
    """A rule, with the number of requests it matched (`seen`) and changed (`fired`)."""

    id: int
    match: dict[str, Any]
    action: Action
    seen: int = 0
    fired: int = 0

    def shown(self) -> dict[str, Any]:
        """The rule as JSON."""
        return {
            "id": self.id,
            "match": self.match,
            "action": self.action.data,
            "seen": self.seen,
            "fired": self.fired,
        }

    def concerns(self, path: str, tokens: set[str]) -> bool:
        """Whether the rule matches a request."""
        wanted = self.match.get("path", path).rstrip("/")
        return wanted == path.rstrip("/") and self.match.get("token") in (None, *tokens)

    def acts(self) -> bool:
        """Whether the rule acts on the next request that it matches."""
        most = self.match.get("times", 1 if "nth" in self.match else None)
        if self.seen + 1 < self.match.get("nth", 1) or (most is not None and self.fired >= most):
            return False
        # Repeatable on purpose: this is not a secret.
        chance = random.Random(f"{self.match.get('seed', 0)} {self.seen}").random()  # noqa: S311
        return bool(chance < self.match.get("probability", 1))


class Faults:
    """The rules in the order they were added; the first rule that acts decides."""

    def __init__(self, shared: SharedSettings) -> None:
        self._shared = shared

    @property
    def rules(self) -> Sequence[FaultRule]:
        """All rules, oldest first."""
        return self._shared.view(PART, _rules)

    def add(self, *rules: Any) -> Sequence[FaultRule]:
        """Add rules, all or none. Raises FaultError if one is invalid."""
        checked = [_checked_rule(rule) for rule in rules]
        with self._shared.changing(PART) as part:
            last = part.get("last", 0)
            made = [FaultRule(last + n, *each) for n, each in enumerate(checked, start=1)]
            part["last"] = last + len(made)
            part["rules"] = [*part.get("rules", []), *(rule.shown() for rule in made)]
            return made

    def pick(self, path: str, tokens: set[str]) -> FaultRule | None:
        """The rule that acts on a request with records of these projects, if any; counts it."""
        rules = self.rules
        if not rules or not any(rule.concerns(path, tokens) for rule in rules):
            return None
        with self._shared.changing(PART) as part:
            for rule, counted in zip(self.rules, part["rules"], strict=True):
                if rule.concerns(path, tokens):
                    acts = rule.acts()
                    counted["seen"] += 1
                    counted["fired"] += acts
                    if acts:
                        return rule
        return None

    def shown(self) -> list[dict[str, Any]]:
        """All rules as JSON, oldest first."""
        return [rule.shown() for rule in self.rules]

    def remove(self, number: int) -> bool:
        """Remove a rule; False if the id is unknown."""
        before = len(self.rules)
        self._keep(lambda rule: rule.id != number)
        return len(self.rules) < before

    def forget(self, token: str | None) -> None:
        """Remove all rules, or the rules for one project."""
        self._keep(lambda rule: bool(token) and rule.match.get("token") != token)

    def _keep(self, wanted: Callable[[FaultRule], bool]) -> None:
        with self._shared.changing(PART) as part:
            part["rules"] = [rule.shown() for rule in self.rules if wanted(rule)]


def _rules(part: dict[str, Any] | None) -> Sequence[FaultRule]:
    return [
        FaultRule(one["id"], one["match"], read_action(one["action"]), one["seen"], one["fired"])
        for one in (part or {}).get("rules", [])
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
            raise FaultError(f"{where}.{name}: unknown{suggestion(name, known)}")
    return data


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return _integer(value) and value >= 1


def _probability(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
