"""Attributes each difference between the captures and the documented rules to a named rule.

The rules of the translator's table are switched one after the other, in its order, from observed to
documented. A change at a switch is attributed to that rule. To verify this, only the rules that
changed something are switched: the outcome must be the documented one. A rule can have an effect
only after a later one is switched, such as a rule about profiles before profiles are on. So the
remaining rules are tried once more on top of those found.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.runner.captures.cloud import Recorded, of_capture
from conformance.runner.compare import Difference, equal
from conformance.runner.outcomes import Outcome, Verdict
from conformance.spec.scenarios.loading import Json
from conformance.targets.target import Translate
from translator import Rules, translate
from translator.core.rules import RULES

PASSES = 4
"""Number of passes over the rules: a list of traits is visible only if the message is not turned
off, profiles are on and traits are selected. With ever more passes, a change that depends on no
single rule would be explained by all of them together."""


@dataclass(frozen=True)
class Attribution:
    """For one capture: the rules that explain it, each with the paths it changes, in order.

    `unexplained` is what the documented rules do differently beyond that; it must be empty.
    `documented` is what they do.
    """

    capture: Recorded
    changes: tuple[tuple[str, tuple[str, ...]], ...]
    unexplained: tuple[Difference, ...]
    documented: Json

    @property
    def outcome(self) -> Outcome:
        """The attribution as any report has it."""
        changes = {rule: list(paths) for rule, paths in self.changes}
        return of_capture(
            self.capture,
            "documented",
            Verdict.FAIL if self.unexplained else Verdict.PASS,
            differences=self.unexplained,
            notes=tuple(f"{rule} changes {', '.join(paths)}" for rule, paths in self.changes),
            expected=self.capture.seen(),
            actual={**self.documented, "explained_by": changes},
        )


def attribute(capture: Recorded, translate: Translate = translate) -> Attribution:
    """The changes of each rule for a capture, from the observed to the documented rules."""
    documented = capture.outcome(Rules.documented(), translate)
    explaining = Rules.observed()
    explained = capture.outcome(explaining, translate)
    changes: list[tuple[str, tuple[str, ...]]] = []
    unexplained = capture.compare(explained, documented)
    for _ in range(PASSES):
        if not unexplained:
            break
        found = _changes(capture, explaining, explained, translate)
        for rule, _ in found:
            explaining = explaining.following(rule)
        explained = capture.outcome(explaining, translate)
        unexplained = capture.compare(explained, documented)
        changes += found
    return Attribution(capture, tuple(changes), tuple(unexplained), documented)


def _changes(
    capture: Recorded, rules: Rules, current: Json, translate: Translate
) -> list[tuple[str, tuple[str, ...]]]:
    """Rules that change the outcome, with the paths, when all are switched in order.

    `rules` are those to begin with, and `current` is their outcome. The switches are found by
    halving: between two equal outcomes no switch is looked for.
    """
    pending = [rule for rule in RULES if not rules.follows_doc(rule.name)]
    outcomes: dict[int, Json] = {0: current}

    def after(count: int) -> Json:
        """The outcome with the first `count` pending rules switched."""
        if count not in outcomes:
            switched = rules
            for rule in pending[:count]:
                switched = switched.following(rule.name)
            outcomes[count] = capture.outcome(switched, translate)
        return outcomes[count]

    def switches(first: int, last: int) -> list[int]:
        """The numbers of the rules between two counts that change the outcome."""
        if equal(after(first), after(last)):
            return []
        if last - first == 1:
            return [first]
        middle = (first + last) // 2
        return switches(first, middle) + switches(middle, last)

    found = []
    for number in switches(0, len(pending)):
        differences = capture.compare(after(number), after(number + 1))
        found.append((pending[number].name, tuple(each.path for each in differences)))
    return found


def by_rule(outcomes: Iterable[Outcome]) -> dict[str, list[str]]:
    """Rule -> the ids of the captures that it changes, in the order of the table of rules."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for each in outcomes:
        for rule in each.actual.get("explained_by", ()):
            found[rule].append(each.id)
    return {rule.name: found[rule.name] for rule in RULES if rule.name in found}
