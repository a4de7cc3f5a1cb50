"""A run as a whole: its header, its outcomes, its summary, and the file that holds all of it.

`results.jsonl` is the one complete form; every other report is made from what it holds. Its first
line is the run, the last its end, and every one between them an outcome:

    {"kind": "run", "format": 1, "target": ..., "translator": ..., "selection": ..., ...}
    {"kind": "scenario", "id": ..., "verdict": "fail", "differences": [{"path": ...}], ...}
    {"kind": "end", "conformant": false, "cases": 744, "counts": {"fail": 1, "pass": 743}, ...}
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from conformance.errors import DataError
from conformance.runner.outcomes import Outcome
from conformance.runner.summary import Summary
from conformance.spec.scenarios.loading import Json

FORMAT = 2
"""Version of the format. It increases with an incompatible change."""

RESULTS = "results.jsonl"


@dataclass(frozen=True)
class Report:
    """A run. `started` is an ISO 8601 time; `selection` is the selection of cases, empty for all.

    `translator` is the target's name for itself; `seconds` is the duration. `stopped` is the reason
    if the run ended before its last case, else empty.
    """

    target: str
    translator: str
    version: str
    started: str
    seconds: float
    selection: str
    outcomes: tuple[Outcome, ...]
    stopped: str = ""

    @cached_property
    def summary(self) -> Summary:
        """The totals of the run."""
        return Summary(self.outcomes)

    @property
    def conformant(self) -> bool:
        """Whether every case was run and none failed."""
        return self.summary.conformant and not self.stopped

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
            {
                "kind": "end",
                "conformant": self.conformant,
                "stopped": self.stopped,
                **self.summary.as_json(),
            },
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
            end["stopped"],
        )
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}; give a folder that --report wrote") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file}: not a whole {RESULTS}: {error}") from error
