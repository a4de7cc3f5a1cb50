"""The progress and the result of a run, for a terminal or a log file."""

import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from conformance.reports.causes import causes_text
from conformance.reports.results import Report
from conformance.runner.outcomes import LEVELS, PLURALS, Outcome, Verdict

SHOWN_WHOLE = 20
"""Maximum number of failures shown with every difference; the causes of all failures follow."""

LOG_SECONDS = 5
"""Seconds between two progress lines, without a terminal."""

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
        """Pass the outcomes on and show each of them. `total` is the number of cases."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        started = told = time.monotonic()
        with Progress(
            *columns, console=self._bar, transient=True, disable=not self._bar.is_terminal
        ) as progress:
            task = progress.add_task("replaying", total=total)
            red = 0
            for count, outcome in enumerate(outcomes, 1):
                if self._verbose or outcome.verdict.red:
                    self._show(outcome, red)
                red += outcome.verdict.red
                text = f"[red]{red} not conformant[/]" if red else "replaying"
                progress.update(task, advance=1, description=text)
                now = time.monotonic()
                if now - told >= LOG_SECONDS and not self._bar.is_terminal:
                    told = now
                    self._bar.print(
                        f"{count} of {total} cases, {red} not conformant, {now - started:.0f} s"
                    )
                yield outcome

    def summary(self, report: Report, stale: Sequence[str] = ()) -> None:
        """The failures by cause, the reasons of skipped cases, and the totals; the counts come
        last."""
        summary = report.summary
        skipped = Counter(
            outcome.reason for outcome in report.outcomes if outcome.verdict is Verdict.SKIP
        )
        for reason, count in skipped.most_common():
            self._line(f"skipped {count}: {reason}", STYLES[Verdict.SKIP])
        for line in causes_text(report.outcomes):
            self._line(line, STYLES[Verdict.FAIL])
        if self._out.is_terminal:
            self._out.print(_table(report.outcomes))
        for line in stale:
            self._line(f"stale: {line}", STYLES[Verdict.STALE])
        if report.stopped:
            self._line(report.stopped, STYLES[Verdict.ERROR])
        style = STYLES[Verdict.PASS if report.conformant else Verdict.FAIL]
        self._line(f"{summary.sentence()}.", style)
        self._line(summary.line(), style)

    def say(self, text: str) -> None:
        """One line of text."""
        self._line(text, "")

    def _show(self, outcome: Outcome, red: int) -> None:
        if red >= SHOWN_WHOLE and not self._verbose:
            if red == SHOWN_WHOLE:
                self._line("... further failures are counted by cause below; -v shows them", "")
            return
        verdict = outcome.verdict.upper()
        text = Text(_visible(outcome.text()))
        text.stylize(STYLES[outcome.verdict], 0, len(verdict))
        self._out.print(text)

    def _line(self, text: str, style: str) -> None:
        self._out.print(Text(_visible(text), style))


def _visible(text: str) -> str:
    """The text with control characters and lone surrogates written as escapes.

    Other programs wrote some of the text: it must not move the cursor or change colours.
    """
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _table(outcomes: Sequence[Outcome]) -> Table:
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
