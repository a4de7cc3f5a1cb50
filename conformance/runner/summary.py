"""The totals of a run, counted once: every report and the progress bar take them from here.

A case is a scenario, which states one behaviour, or a recording of the classic integration. Each
case has one verdict, so the verdicts add up to the number of cases.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from conformance.runner.outcomes import LEVELS, Outcome, Verdict, counts
from conformance.spec.citations.sources import UNSOURCED
from conformance.spec.scenarios.loading import Json


class Summary:
    """The totals of these outcomes, one for each case."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes = outcomes
        self.verdicts = Counter(outcome.verdict for outcome in outcomes)
        self.behaviours = _verdicts(outcomes, "scenario")
        self.recordings = _verdicts(outcomes, "capture")

    @property
    def conformant(self) -> bool:
        """Whether no verdict makes the run fail."""
        return not any(verdict.red for verdict in self.verdicts)

    @property
    def judged(self) -> int:
        """The cases that the target could do: all but the skipped ones."""
        return self.verdicts.total() - self.verdicts[Verdict.SKIP]

    @property
    def rate(self) -> str:
        """The share of judged cases that pass, in per cent; never 100 if one fails."""
        if not self.judged:
            return "nothing judged"
        passed = self.verdicts[Verdict.PASS]
        return "100 %" if passed == self.judged else f"{int(1000 * passed / self.judged) / 10:g} %"

    def sentence(self) -> str:
        """The result in one sentence for a reader who does not know the verdicts."""
        parts = []
        if self.behaviours:
            parts.append(self._behaviours())
        if self.recordings:
            parts.append(self._recordings())
        return "; ".join(parts) or "nothing was run"

    def line(self) -> str:
        """The verdicts of all cases, then those of each level, and how many have no source."""
        parts = [counts(self.outcomes)]
        for level in LEVELS:
            chosen = [outcome for outcome in self.outcomes if outcome.level == level]
            if chosen:
                parts.append(f"{level}: {counts(chosen)}")
        unsourced = sum(set(outcome.source) == {UNSOURCED} for outcome in self.outcomes)
        return "; ".join([*parts, f"{unsourced} unsourced"])

    def as_json(self) -> Json:
        """The totals for programs."""
        return {
            "cases": self.verdicts.total(),
            "counts": _named(self.verdicts),
            "behaviours": _named(self.behaviours),
            "recordings": _named(self.recordings),
            "sentence": self.sentence(),
        }

    def _behaviours(self) -> str:
        found = self.behaviours
        judged = found.total() - found[Verdict.SKIP]
        parts = [f"{found[Verdict.PASS]:,} of {judged:,} behaviours hold"]
        failed = found[Verdict.FAIL] + found[Verdict.STALE]
        if failed:
            parts.append(f"{failed:,} fail")
        if found[Verdict.EXPECTED_FAILURE]:
            parts.append(f"{found[Verdict.EXPECTED_FAILURE]:,} fail as listed")
        if found[Verdict.ERROR]:
            parts.append(f"{found[Verdict.ERROR]:,} could not be judged")
        if found[Verdict.SKIP]:
            parts.append(f"{found[Verdict.SKIP]:,} not applicable")
        return ", ".join(parts) + self._must()

    def _must(self) -> str:
        """The number of behaviours with the level must that hold, if others fail too."""
        judged = [
            outcome
            for outcome in self.outcomes
            if outcome.kind == "scenario" and outcome.verdict is not Verdict.SKIP
        ]
        must = [outcome for outcome in judged if outcome.level == "must"]
        failed = any(outcome.verdict is Verdict.FAIL for outcome in judged)
        if not failed or len(must) == len(judged):
            return ""
        passed = sum(outcome.verdict is Verdict.PASS for outcome in must)
        return f"; of those that must hold, {passed:,} of {len(must):,} do"

    def _recordings(self) -> str:
        found = self.recordings
        parts = [f"{found[Verdict.PASS]:,} of {found.total():,} recordings reproduced"]
        if found[Verdict.EXPECTED_FAILURE]:
            parts.append(f"{found[Verdict.EXPECTED_FAILURE]:,} differ as listed")
        failed = sum(count for verdict, count in found.items() if verdict.red)
        if failed:
            parts.append(f"{failed:,} differ")
        return ", ".join(parts)


def _verdicts(outcomes: Iterable[Outcome], kind: str) -> Counter[Verdict]:
    return Counter(outcome.verdict for outcome in outcomes if outcome.kind == kind)


def _named(found: Counter[Verdict]) -> dict[str, int]:
    return {verdict.value: found[verdict] for verdict in Verdict if found[verdict]}
