"""What the scenarios cover: counted, and no gap without an explanation."""

from click.testing import CliRunner

from conformance.cli import main
from conformance.spec.scenarios.coverage import (
    CALLS,
    Cell,
    accepted_gap_for,
    every_heading,
    measure,
)
from conformance.spec.scenarios.loading import load_scenarios
from tests.conformance.one_scenario import parse_one

SCENARIO = """
id: track/minimal
title: A title
level: must
source: [doc#track]
mode: web
settings: {token: T, people: true}
steps: [{messages: [{type: track, event: A}]}]
expect: {calls: [[]]}
"""


def test_no_hole_is_unexplained() -> None:
    """Every gap has its reason, every reason a gap, every heading a scenario."""
    found = measure(load_scenarios())
    assert (found.unexplained, found.stale, found.uncited) == ([], [], [])


def test_a_scenario_counts_for_what_it_gives() -> None:
    """Its settings, its calls, its mode and its headings; nothing else."""
    found = measure([parse_one(SCENARIO, "track/minimal.yaml")])
    assert found.cells == {Cell("token", "track", "web"): 1, Cell("people", "track", "web"): 1}
    assert found.headings == {("track", "device"): 1}


def test_a_hole_of_its_own_is_found() -> None:
    """Without scenarios, what no row of the table covers is unexplained."""
    found = measure([])
    assert Cell("people", "track", "web") in found.unexplained
    assert ("track", "device") in found.uncited
    assert None is accepted_gap_for(Cell("token", "identify", "cloud"))


def test_every_mode_is_counted() -> None:
    """All four modes, and headings of both kinds."""
    assert list(CALLS) == ["cloud", "web", "ios", "android"]
    assert {mode for _, mode in every_heading()} == {"cloud", "device"}


def test_the_command_shows_the_table() -> None:
    """The command prints the counts, and its exit code is 0 when nothing is missing."""
    result = CliRunner().invoke(main, ["coverage"])
    assert result.exit_code == 0
    assert ", 0 unexplained; " in result.output


def test_outcomes_are_counted() -> None:
    """Each kind of contents is judged by scenarios, also what must be absent."""
    found = measure(load_scenarios()).outcomes
    assert {what for what, count in found.items() if count >= 5} == {
        "events",
        "profiles",
        "groups",
        "people",
        "nothing arrives",
        "properties that must be absent",
    }
