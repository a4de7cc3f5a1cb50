"""The coverage of the scenarios: settings x calls x modes, and the headings of the doc.

A cell counts the scenarios that give the setting and make the call in the mode. A cell without a
scenario is a gap; `coverage.yaml` lists the accepted gaps with reasons. Other gaps are failures,
and so are listed gaps that do not exist.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from typing import NamedTuple

from conformance.spec.citations import sources
from conformance.spec.data import read
from conformance.spec.scenarios.loading import Scenario
from conformance.spec.yaml_text import parse_yaml
from translator import Settings

CALLS = {
    "cloud": ("track", "page", "screen", "identify", "group", "alias"),
    "web": ("track", "page", "identify", "group", "alias", "reset"),
    "ios": ("track", "screen", "identify", "group", "alias", "reset", "flush"),
    "android": ("track", "screen", "identify", "group", "alias", "reset", "flush"),
}
"""Mode -> the calls that its library handles."""


class Cell(NamedTuple):
    """A place of the table."""

    setting: str
    call: str
    mode: str


class AcceptedGap(NamedTuple):
    """Cells that need no scenario, and the reason; an empty tuple means all."""

    settings: tuple[str, ...]
    calls: tuple[str, ...]
    modes: tuple[str, ...]
    why: str

    def covers(self, cell: Cell) -> bool:
        """Whether it covers a cell."""
        parts = zip(self[:3], cell, strict=True)
        return all(not names or part in names for names, part in parts)


@dataclass(frozen=True)
class Coverage:
    """The counted table and its gaps."""

    cells: Counter[Cell]
    headings: Counter[tuple[str, str]]
    outcomes: Counter[str]

    @property
    def gaps(self) -> list[Cell]:
        """Every cell without a scenario."""
        return [cell for cell in every_cell() if not self.cells[cell]]

    @property
    def unexplained(self) -> list[Cell]:
        """The gaps that are not accepted."""
        return [cell for cell in self.gaps if accepted_gap_for(cell) is None]

    @property
    def stale(self) -> list[AcceptedGap]:
        """The accepted gaps that do not exist."""
        needed = {accepted_gap_for(cell) for cell in self.gaps}
        return [gap for gap in accepted_gaps() if gap not in needed]

    @property
    def uncited(self) -> list[tuple[str, str]]:
        """Headings and settings of the doc that no scenario of a mode they are about cites."""
        return [pair for pair in every_heading() if not self.headings[pair]]


def measure(scenarios: Iterable[Scenario]) -> Coverage:
    """Count the coverage of scenarios."""
    cells: Counter[Cell] = Counter()
    headings: Counter[tuple[str, str]] = Counter()
    outcomes: Counter[str] = Counter()
    for scenario in scenarios:
        outcomes.update(set(_judged_by_outcome(scenario)))
        kinds = {
            str(message.get("type"))
            for step in scenario.steps
            for message in step.messages
            if isinstance(message, dict)
        }
        cells.update(Cell(key, kind, scenario.mode) for key in scenario.settings for kind in kinds)
        mode = "cloud" if scenario.mode == "cloud" else "device"
        headings.update(
            (source.removeprefix("doc#"), mode)
            for source in scenario.source
            if source.startswith("doc#")
        )
    return Coverage(cells, headings, outcomes)


def _judged_by_outcome(scenario: Scenario) -> Iterator[str]:
    """The parts of Mixpanel's contents that the scenario compares in the profile outcome."""
    if scenario.mode != "cloud" or scenario.rules != "documented":
        return
    requests = scenario.expect.requests or []
    if not requests and scenario.expect.settings_error is None:
        yield "nothing arrives"
    for request in requests:
        if request["endpoint"] in _SECTIONS:
            yield _SECTIONS[request["endpoint"]]
        elif str(request["record"].get("event")) in ("$create_alias", "$identify", "$merge"):
            yield "people"
        else:
            yield "events"
    if scenario.expect.absent:
        yield "properties that must be absent"


_SECTIONS = {"/engage": "profiles", "/groups": "groups"}


def every_cell() -> list[Cell]:
    """All cells, mode by mode."""
    return [
        Cell(row.name, call, mode)
        for mode, calls in CALLS.items()
        for row in fields(Settings)
        for call in calls
    ]


def every_heading() -> list[tuple[str, str]]:
    """Slug and mode of every heading and setting of the doc."""
    return [(slug, mode) for slug, row in sources.headings().items() for mode in row["modes"]]


@cache
def accepted_gaps() -> tuple[AcceptedGap, ...]:
    """The accepted gaps, in the order of `coverage.yaml`; the first that covers a cell counts."""
    return tuple(
        AcceptedGap(
            tuple(row.get("settings", ())),
            tuple(row.get("calls", ())),
            tuple(row.get("modes", ())),
            row["why"],
        )
        for row in parse_yaml(read("spec", "coverage.yaml"))
    )


def accepted_gap_for(cell: Cell) -> AcceptedGap | None:
    """The reason why a cell may be a gap, or None."""
    return next((gap for gap in accepted_gaps() if gap.covers(cell)), None)


def page(found: Coverage) -> str:
    """The tables for people: numbers of scenarios, and dashes for gaps."""
    lines: list[str] = []
    width = max(len(row.name) for row in fields(Settings))
    for mode, calls in CALLS.items():
        lines.append(f"{mode:{width}}  " + "  ".join(f"{call:>8}" for call in calls))
        for row in fields(Settings):
            counts = (found.cells[Cell(row.name, call, mode)] or "-" for call in calls)
            lines.append(f"{row.name:{width}}  " + "  ".join(f"{count:>8}" for count in counts))
        lines.append("")
    lines.append("headings and settings of the doc, by scenarios that cite them")
    lines += [
        f"{found.headings[pair] or '-':>5}  {pair[1]:6}  {pair[0]}" for pair in every_heading()
    ]
    lines.append("")
    for gap in accepted_gaps():
        count = sum(accepted_gap_for(cell) == gap for cell in found.gaps)
        lines.append(f"{count:>4} gaps: {gap.why}")
    lines.append("judged by outcome, by scenarios")
    lines += [f"{count:>5}  {what}" for what, count in found.outcomes.most_common()]
    lines.append("")
    cells, headings = len(every_cell()), len(every_heading())
    lines.append(
        f"{cells} cells, {len(found.gaps)} gaps, {len(found.unexplained)} unexplained; "
        f"{headings} headings by mode, {len(found.uncited)} uncited"
    )
    lines += [f"unexplained: {' x '.join(cell)}" for cell in found.unexplained]
    lines += [f"stale explanation: {gap.why}" for gap in found.stale]
    lines += [f"uncited: doc#{slug} in {mode} mode" for slug, mode in found.uncited]
    return "\n".join(lines) + "\n"
