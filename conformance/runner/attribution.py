"""Which named rule explains which difference between the captures and the documented rules.

The rules of the translator's table are switched one after the other, in its order, from observed to
documented. What changes at a switch is that rule's doing. Then the proof: with only those rules
switched that changed something, the outcome must already be the documented one.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.runner.captures import Recorded, of_capture
from conformance.runner.compare import Difference
from conformance.runner.outcomes import Outcome, Verdict
from conformance.spec.loading import Json
from conformance.targets.target import Translate
from translator import Rules, translate
from translator.core.rules import RULES


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
    """What each rule changes for a capture on the way from observed to documented."""
    rules = explaining = Rules.observed()
    current = capture.outcome(rules, translate)
    changes = []
    for rule in RULES:
        rules = rules.following(rule.name)
        following = capture.outcome(rules, translate)
        differences = capture.compare(current, following)
        if differences:
            changes.append((rule.name, tuple(difference.path for difference in differences)))
            explaining = explaining.following(rule.name)
        current = following
    explained = capture.outcome(explaining, translate)
    documented = capture.outcome(Rules.documented(), translate)
    unexplained = capture.compare(explained, documented)
    return Attribution(capture, tuple(changes), tuple(unexplained), documented)


def by_rule(outcomes: Iterable[Outcome]) -> dict[str, list[str]]:
    """Rule -> the ids of the captures that it changes, in the order of the table of rules."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for each in outcomes:
        for rule in each.actual.get("explained_by", ()):
            found[rule].append(each.id)
    return {rule.name: found[rule.name] for rule in RULES if rule.name in found}
