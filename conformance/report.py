"""What a run found, for people and for programs."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.attribution import Attribution, by_rule
from conformance.captures import Reproduction, Standing
from conformance.compare import Difference
from conformance.loader import Scenario


@dataclass(frozen=True)
class CaptureResult:
    """What became of a capture under one rule set, or both."""

    reproduction: Reproduction | None
    attribution: Attribution | None

    @property
    def failures(self) -> list[Reproduction | Attribution]:
        """That it is not reproduced, and that a difference has no name."""
        failures: list[Reproduction | Attribution] = []
        if self.reproduction and self.reproduction.standing is Standing.FAILED:
            failures.append(self.reproduction)
        if self.attribution and self.attribution.unexplained:
            failures.append(self.attribution)
        return failures

    def as_json(self) -> list[dict[str, object]]:
        """The lines of results.jsonl."""
        parts = (self.reproduction, self.attribution)
        return [part.as_json() for part in parts if part is not None]


@dataclass(frozen=True)
class Verdict:
    """What became of one scenario."""

    scenario: Scenario
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    def text(self) -> str:
        """One line, then every difference in full."""
        scenario = self.scenario
        head = f"{scenario.id}  {scenario.level}  {scenario.title}"
        if self.passed:
            return f"PASS  {head}"
        lines = [f"FAIL  {head}", *(f"why: {scenario.why}" for _ in [0] if scenario.why)]
        lines.append(f"source: {', '.join(scenario.source)}")
        lines += [str(difference) for difference in self.differences]
        return "\n  ".join("\n".join(lines).splitlines())

    def as_json(self) -> dict[str, object]:
        """The verdict as a line of results.jsonl."""
        return {
            "kind": "scenario",
            "id": self.scenario.id,
            "level": self.scenario.level,
            "mode": self.scenario.mode,
            "rules": self.scenario.rules,
            "source": list(self.scenario.source),
            "verdict": "passed" if self.passed else "failed",
            "differences": [difference.as_json() for difference in self.differences],
        }


def scenario_summary(verdicts: Sequence[Verdict]) -> str:
    """`N passed, N failed`, then the same for each level, and how many have no source."""
    parts = [_counts(verdicts)]
    for level in ("must", "should", "info"):
        chosen = [verdict for verdict in verdicts if verdict.scenario.level == level]
        if chosen:
            parts.append(f"{level}: {_counts(chosen)}")
    unsourced = sum(not verdict.scenario.sourced for verdict in verdicts)
    return "; ".join([*parts, f"{unsourced} unsourced"])


def capture_summary(results: Sequence[CaptureResult]) -> str:
    """How many captures are reproduced by the observed rules, and explained by named rules."""
    reproductions = [result.reproduction for result in results if result.reproduction]
    attributions = [result.attribution for result in results if result.attribution]
    parts = []
    if reproductions:
        counts = Counter(reproduction.standing for reproduction in reproductions)
        parts.append(
            f"observed rules: {counts[Standing.REPRODUCED]} reproduced, "
            f"{counts[Standing.DEFECT]} defects, {counts[Standing.FAILED]} failed"
        )
    if attributions:
        unexplained = sum(bool(attribution.unexplained) for attribution in attributions)
        parts.append(
            f"documented rules: {len(attributions) - unexplained} explained by "
            f"{len(by_rule(attributions))} rules, {unexplained} failed"
        )
    return "; ".join(parts)


def _counts(verdicts: Sequence[Verdict]) -> str:
    counts = Counter(verdict.passed for verdict in verdicts)
    return f"{counts[True]} passed, {counts[False]} failed"


def write_results(folder: Path, results: Sequence[dict[str, object]]) -> None:
    """Write `results.jsonl`, one verdict a line, into a folder that is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    # The standard library escapes what orjson refuses: lone surrogates and very large numbers.
    lines = [json.dumps(result, sort_keys=True) + "\n" for result in results]
    (folder / "results.jsonl").write_text("".join(lines), encoding="utf-8")
