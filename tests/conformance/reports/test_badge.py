"""The badge."""

import dataclasses
from xml.etree import ElementTree

import pytest

from conformance.reports.badge import GREEN, RED, YELLOW, badge
from conformance.reports.results import Report
from conformance.runner.outcomes import Verdict
from tests.conformance.reports.samples import all_pass, every_verdict, outcome, report


@pytest.mark.parametrize(
    ("run", "text", "colour"),
    [
        (all_pass(), "2 of 2 pass", GREEN),
        (report(outcome("a/b", Verdict.PASS), outcome("a/c", Verdict.SKIP)), "1 of 2", YELLOW),
        (report(outcome("a/b", Verdict.EXPECTED_FAILURE)), "0 of 1 pass", YELLOW),
        (every_verdict(), "2 of 9 pass", RED),
    ],
)
def test_badge(run: Report, text: str, colour: str) -> None:
    """How many scenarios pass, in green only if all do, in red if anything is wrong."""
    svg = badge(run)
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert f"conformance: {text}" in svg
    assert [each for each in (GREEN, YELLOW, RED) if each in svg] == [colour]


def test_a_red_capture_makes_it_red() -> None:
    """Nothing that is wrong is behind a green badge."""
    run = all_pass()
    wrong = outcome("c-1", Verdict.FAIL, kind="capture", rules="observed")
    assert RED in badge(dataclasses.replace(run, outcomes=(*run.outcomes, wrong)))
