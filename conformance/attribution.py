"""Which named rule explains which difference between the captures and the documented rules.

The rules of the translator's table are switched one after the other, in its order, from observed to
documented. What changes at a switch is that rule's doing. Then the proof: with only those rules
switched that changed something, the outcome must already be the documented one.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.captures import Capture, compare_outcomes, outcome
from conformance.compare import Difference
from conformance.target import Translate
from translator import Rules, translate
from translator.rules import RULES


@dataclass(frozen=True)
class Attribution:
    """For one capture: the rules that explain it, each with the paths it changes, in order.

    `unexplained` is what the documented rules do differently beyond that; it must be empty.
    """

    capture: Capture
    changes: tuple[tuple[str, tuple[str, ...]], ...]
    unexplained: tuple[Difference, ...]

    def text(self) -> str:
        """The rules with their paths, and what they leave unexplained, in full."""
        lines = [f"{'FAILED' if self.unexplained else 'EXPLAINED'}  capture {self.capture.id}"]
        lines += [f"{rule}: {', '.join(paths)}" for rule, paths in self.changes]
        lines += [f"unexplained: {difference}" for difference in self.unexplained]
        return "\n  ".join("\n".join(lines).splitlines())

    def as_json(self) -> dict[str, object]:
        """The attribution as a line of results.jsonl."""
        return {
            "kind": "capture",
            "id": self.capture.id,
            "rules": "documented",
            "verdict": "failed" if self.unexplained else "explained",
            "explained_by": {rule: list(paths) for rule, paths in self.changes},
            "differences": [difference.as_json() for difference in self.unexplained],
        }


def attribute(capture: Capture, translate: Translate = translate) -> Attribution:
    """What each rule changes for a capture on the way from observed to documented."""
    rules = explaining = Rules.observed()
    current = outcome(capture, rules, translate)
    changes = []
    for rule in RULES:
        rules = rules.following(rule.name)
        following = outcome(capture, rules, translate)
        differences = compare_outcomes(current, following)
        if differences:
            changes.append((rule.name, tuple(difference.path for difference in differences)))
            explaining = explaining.following(rule.name)
        current = following
    explained = outcome(capture, explaining, translate)
    documented = outcome(capture, Rules.documented(), translate)
    return Attribution(capture, tuple(changes), tuple(compare_outcomes(explained, documented)))


def by_rule(attributions: Iterable[Attribution]) -> dict[str, list[str]]:
    """Rule -> the ids of the captures that it changes, in the order of the table of rules."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for attribution in attributions:
        for rule, _ in attribution.changes:
            found[rule].append(attribution.capture.id)
    return {rule.name: found[rule.name] for rule in RULES if rule.name in found}
