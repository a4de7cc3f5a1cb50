"""A run as a whole: its header, its outcomes, its summary, and the file that holds all of it.

`results.jsonl` is the one complete form; every other report is made from what it holds. Its first
line is the run, the last its end, and every one between them an outcome:

    {"kind": "run", "format": 1, "target": ..., "translator": ..., "selection": ..., ...}
    {"kind": "scenario", "id": ..., "verdict": "fail", "differences": [{"path": ...}], ...}
    {"kind": "end", "conformant": false, "counts": {"fail": 1, "pass": 743}}
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.errors import DataError
from conformance.runner.outcomes import LEVELS, Outcome, Verdict, counts
from conformance.spec.loading import Json
from conformance.spec.sources import UNSOURCED

FORMAT = 1
"""Grows when a reader of results.jsonl that was right would be wrong."""

RESULTS = "results.jsonl"


@dataclass(frozen=True)
class Report:
    """A run. `started` is an ISO 8601 time; `selection` what was asked for, empty for everything.

    `translator` is how the target calls itself; `seconds` how long it took.
    """

    target: str
    translator: str
    version: str
    started: str
    seconds: float
    selection: str
    outcomes: tuple[Outcome, ...]

    @property
    def conformant(self) -> bool:
        """Whether nothing is red."""
        return not any(outcome.verdict.red for outcome in self.outcomes)

    @property
    def scenarios(self) -> list[Outcome]:
        """The outcomes of scenarios."""
        return [outcome for outcome in self.outcomes if outcome.kind == "scenario"]

    @property
    def captures(self) -> list[Outcome]:
        """The outcomes of captures."""
        return [outcome for outcome in self.outcomes if outcome.kind == "capture"]

    def lines(self) -> list[Json]:
        """The lines of results.jsonl."""
        found = Counter(outcome.verdict.value for outcome in self.outcomes)
        return [
            {
                "kind": "run",
                "format": FORMAT,
                "target": self.target,
                "translator": self.translator,
                "version": self.version,
                "started": self.started,
                "seconds": self.seconds,
                "selection": self.selection,
            },
            *(outcome.as_json() for outcome in self.outcomes),
            {"kind": "end", "conformant": self.conformant, "counts": dict(found)},
        ]


def write_results(report: Report, folder: Path) -> None:
    """Write `results.jsonl` into a folder that is there."""
    # The standard library escapes what orjson refuses: lone surrogates and very large numbers.
    text = "".join(json.dumps(line) + "\n" for line in report.lines())
    (folder / RESULTS).write_text(text, encoding="utf-8")


def read_results(path: Path) -> Report:
    """The report in a `results.jsonl`, or in the folder of one.

    Raises DataError for a file that is not there, not whole, or of another format.
    """
    file = path / RESULTS if path.is_dir() else path
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        run, *outcomes, end = lines
        if run["kind"] != "run" or end["kind"] != "end":
            raise ValueError("the first line must be the run and the last its end")
        if run["format"] != FORMAT:
            raise DataError(
                f"{file}: format {run['format']}, not {FORMAT}: made by another version"
            )
        return Report(
            run["target"],
            run["translator"],
            run["version"],
            run["started"],
            run["seconds"],
            run["selection"],
            tuple(map(Outcome.from_json, outcomes)),
        )
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}; give a folder that --report wrote") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file}: not a whole {RESULTS}: {error}") from error


def scenario_summary(outcomes: Sequence[Outcome]) -> str:
    """How many of each verdict, then the same for each level, and how many have no source."""
    parts = [counts(outcomes)]
    for level in LEVELS:
        chosen = [outcome for outcome in outcomes if outcome.level == level]
        if chosen:
            parts.append(f"{level}: {counts(chosen)}")
    unsourced = sum(set(outcome.source) == {UNSOURCED} for outcome in outcomes)
    return "; ".join([*parts, f"{unsourced} unsourced"])


def capture_summary(outcomes: Sequence[Outcome]) -> str:
    """How many captures are reproduced by the observed rules, and explained by named rules."""
    parts = []
    observed = Counter(outcome.verdict for outcome in outcomes if outcome.rules == "observed")
    if observed:
        failed = observed.total() - observed[Verdict.PASS] - observed[Verdict.EXPECTED_FAILURE]
        parts.append(
            f"observed rules: {observed[Verdict.PASS]} reproduced, "
            f"{observed[Verdict.EXPECTED_FAILURE]} defects, {failed} failed"
        )
    documented = [outcome for outcome in outcomes if outcome.rules == "documented"]
    if documented:
        rules = {rule for outcome in documented for rule in outcome.actual["explained_by"]}
        failed = sum(outcome.verdict.red for outcome in documented)
        parts.append(
            f"documented rules: {len(documented) - failed} explained by "
            f"{len(rules)} rules, {failed} failed"
        )
    return "; ".join(parts)
