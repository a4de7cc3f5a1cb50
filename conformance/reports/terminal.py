"""A run as it goes, and its end, for a person at a terminal or a log file."""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from conformance.reports.results import Report, capture_summary, scenario_summary
from conformance.runner.outcomes import LEVELS, PLURALS, Outcome, Verdict

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.STALE: "bold red",
    Verdict.ERROR: "bold magenta",
    Verdict.EXPECTED_FAILURE: "yellow",
    Verdict.SKIP: "cyan",
}


class Terminal:
    """Shows outcomes on standard output, whole, and how far the run is if that can be seen.

    `verbose` shows every outcome, otherwise only those that are red.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self._out = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        self._bar = self._out if self._out.is_terminal else Console(file=sys.stderr)
        self._verbose = verbose

    def watch(self, outcomes: Iterable[Outcome], total: int) -> Iterator[Outcome]:
        """The outcomes, shown as they come."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(
            *columns, console=self._bar, transient=True, disable=not self._bar.is_terminal
        ) as progress:
            task = progress.add_task("replaying", total=total)
            red = 0
            for outcome in outcomes:
                if self._verbose or outcome.verdict.red:
                    self._show(outcome)
                red += outcome.verdict.red
                text = f"[red]{red} not conformant[/]" if red else "replaying"
                progress.update(task, advance=1, description=text)
                yield outcome

    def summary(self, report: Report) -> None:
        """The counts, and the reasons of what was skipped, each with its count."""
        reasons = Counter(
            outcome.reason for outcome in report.outcomes if outcome.verdict is Verdict.SKIP
        )
        for reason, count in reasons.most_common():
            self._line(f"skipped {count}: {reason}", STYLES[Verdict.SKIP])
        if self._out.is_terminal:
            self._out.print(_table(report.scenarios))
        style = STYLES[Verdict.PASS if report.conformant else Verdict.FAIL]
        self._line(scenario_summary(report.scenarios), style)
        if report.captures:
            self._line(f"captures: {capture_summary(report.captures)}", style)

    def say(self, text: str) -> None:
        """One line of text."""
        self._line(text, "")

    def _show(self, outcome: Outcome) -> None:
        verdict = outcome.verdict.upper()
        text = Text(_visible(outcome.text()))
        text.stylize(STYLES[outcome.verdict], 0, len(verdict))
        self._out.print(text)

    def _line(self, text: str, style: str) -> None:
        self._out.print(Text(_visible(text), style))


def _visible(text: str) -> str:
    """The text with control characters and lone surrogates written as escapes.

    Programs of others wrote some of it: they must not move the cursor or change colours.
    """
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _table(outcomes: list[Outcome]) -> Table:
    """Levels by verdicts."""
    found = Counter((outcome.level, outcome.verdict) for outcome in outcomes)
    verdicts = [verdict for verdict in Verdict if any(found[level, verdict] for level in LEVELS)]
    table = Table("level", box=None, pad_edge=False)
    for verdict in verdicts:
        table.add_column(PLURALS[verdict], justify="right", style=STYLES[verdict])
    for level in LEVELS:
        if any(found[level, verdict] for verdict in verdicts):
            cells = [str(found[level, verdict] or "") for verdict in verdicts]
            table.add_row(level, *cells)
    return table
