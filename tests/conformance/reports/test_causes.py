"""Failures grouped by cause."""

from dataclasses import replace
from typing import Any

import pytest

from conformance.reports.causes import causes
from conformance.runner.compare import Difference, Kind
from conformance.runner.outcomes import Outcome, Verdict
from tests.conformance.reports.samples import outcome


def failure(id: str, level: str, *differences: Difference) -> Outcome:
    return replace(outcome(id, Verdict.FAIL), level=level, differences=differences)


def missing(path: str, **more: Any) -> Difference:
    return Difference(path, Kind.MISSING, {"event": "A"}, **more)


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (missing("events[0]"), "an event is missing"),
        (
            missing("events[0]", reason="the mock refused /import: $insert_id: longer"),
            "an event is missing, because the mock refused /import: $insert_id: longer",
        ),
        (missing("events[2].properties.plan"), "event property plan missing"),
        (missing('events[2].properties["a b"].c'), 'event property ["a b"].c missing'),
        (missing('profiles["u-1"]["Last Seen"]'), "profile property Last Seen missing"),
        (missing("people.joined"), "one person is split into two"),
        (missing("errors[3]"), "a message is not reported as an error"),
        (
            Difference("target", Kind.UNEXPECTED, actual="KeyError\nat line 3"),
            "the translator failed: KeyError",
        ),
    ],
)
def test_causes_are_plain_words(difference: Difference, text: str) -> None:
    """A cause says what differs, and why if the mock said so, without numbers and ids."""
    [cause] = causes([failure("track/a", "must", difference)])
    assert cause.text == text


def test_causes_of_must_failures_come_first() -> None:
    """A rare cause of a `must` failure comes before a frequent one of `should` failures."""
    often = [failure(f"page/{n}", "should", missing("events[0].properties.name")) for n in "abc"]
    rare = failure("track/a", "must", missing("events[0]"), missing("events[1]"))
    found = [(each.text, len(each.cases), each.must) for each in causes([*often, rare])]
    assert found == [("an event is missing", 1, 1), ("event property name missing", 3, 0)]


def test_a_cause_that_is_not_stated_makes_no_must_failure() -> None:
    """Of a `must` failure, only the differences that the documentation states count as must."""
    stated, other = missing("events[0]"), missing("events[1].properties.name", stated=False)
    found = {each.text: each.must for each in causes([failure("page/a", "must", stated, other)])}
    assert found == {"an event is missing": 1, "event property name missing": 0}


def test_the_target_is_no_part_of_a_cause() -> None:
    """An error of a driver is named without its command, which is the same in the whole run."""
    reason = "exec:node a/long/path/driver.mjs: command 'translate': the program ended"
    broken = replace(outcome("track/a", Verdict.ERROR), reason=reason)
    [cause] = causes([broken])
    assert cause.text == "not judged: command 'translate': the program ended"
