"""The changes between two runs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from conformance.reports.results import Report
from conformance.runner.outcomes import Outcome


class OutcomeChange(StrEnum):
    """The kind of change of an outcome, in the order of importance."""

    BROKE = "broke"
    """It fails now, and did not fail or did not exist before."""
    DIFFERS = "still red, but otherwise"
    FIXED = "fixed"
    """It failed before, and does not fail now."""
    OTHER = "other verdict"
    """Neither fails: an outcome that passed is skipped now, or the reverse."""
    ADDED = "added"
    REMOVED = "removed"


class Changed(NamedTuple):
    """An outcome in the first run and in the second; None where it was not part of the run."""

    before: Outcome | None
    after: Outcome | None

    @property
    def outcome(self) -> Outcome:
        """The newer outcome that exists."""
        found = self.after or self.before
        assert found is not None
        return found

    def text(self) -> str:
        """One line; for a failure, its present differences and those that disappeared."""
        verdicts = [each.verdict.value if each else "not there" for each in self]
        outcome = self.outcome
        head = f"{outcome.id}  {outcome.level}  {outcome.rules}  {' -> '.join(verdicts)}"
        lines = [f"{head}  {outcome.title}"]
        if outcome.reason:
            lines.append(outcome.reason)
        if self.after and self.after.verdict.red:
            lines += [str(difference) for difference in self.after.differences]
            before = self.before.differences if self.before else ()
            now = {str(difference) for difference in self.after.differences}
            gone = [str(each) for each in before if str(each) not in now]
            lines += [f"no longer: {text}" for text in gone]
        return "\n  ".join("\n".join(lines).splitlines())


def changes(before: Report, after: Report) -> Mapping[OutcomeChange, Sequence[Changed]]:
    """The outcomes that differ between both runs, by kind of change."""
    first = {outcome.key: outcome for outcome in before.outcomes}
    second = {outcome.key: outcome for outcome in after.outcomes}
    found: defaultdict[OutcomeChange, list[Changed]] = defaultdict(list)
    for key in sorted(first | second):
        pair = Changed(first.get(key), second.get(key))
        change = _change(*pair)
        if change is not None:
            found[change].append(pair)
    return {change: found[change] for change in OutcomeChange if change in found}


def _change(before: Outcome | None, after: Outcome | None) -> OutcomeChange | None:
    if after is None:
        return OutcomeChange.REMOVED
    if after.verdict.red and not (before and before.verdict.red):
        return OutcomeChange.BROKE
    if before is None:
        return OutcomeChange.ADDED
    if before.verdict.red and not after.verdict.red:
        return OutcomeChange.FIXED
    if before.verdict is not after.verdict:
        return OutcomeChange.DIFFERS if after.verdict.red else OutcomeChange.OTHER
    if (before.differences, before.reason) != (after.differences, after.reason):
        return OutcomeChange.DIFFERS if after.verdict.red else None
    return None
