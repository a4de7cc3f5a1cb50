"""Captures of the iOS and Android modes: reproduced by observed rules, explained by named rules."""

from collections import Counter
from typing import Any

import pytest

from conformance.runner.captures.attribution import attribute
from conformance.runner.captures.cloud import Standing, load_defects, reproduce
from conformance.runner.captures.mobile import MobileCapture, load_mobile_captures
from conformance.runner.captures.web import all_captures
from tests.conformance.runner.captures.changes import changed
from translator import Rules

CAPTURES = {capture.id: capture for capture in load_mobile_captures()}
EACH = pytest.mark.parametrize(
    "capture", [pytest.param(item, id=key) for key, item in CAPTURES.items()]
)


@EACH
def test_reproduced(capture: MobileCapture) -> None:
    """Calls and the steps they belong to are exactly those recorded."""
    reproduction = reproduce(capture)
    assert reproduction.standing == Standing.REPRODUCED, reproduction.outcome.text()


@EACH
def test_explained(capture: MobileCapture) -> None:
    """Every difference of the documented rules is explained by named rules alone."""
    attribution = attribute(capture)
    assert attribution.unexplained == (), attribution.outcome.text()


def test_all_captures_are_there() -> None:
    """No recorded session is left out, and no defect is excused."""
    counted = Counter(capture.mode for capture in load_mobile_captures())
    assert counted == {"ios": 124, "android": 105}
    assert len(CAPTURES) == 229
    assert set(CAPTURES) <= {capture.id for capture in all_captures()}
    assert CAPTURES.keys() & load_defects().keys() == set()


@pytest.mark.parametrize(
    ("path", "to", "difference"),
    [
        (("calls", 0, 1), "another", "calls[0][1]"),
        (("calls", 0, 2, "optOutTrackingByDefault"), True, "calls[0][2].optOutTrackingByDefault"),
        (("calls", 1, 2, "floors"), True, "calls[1][2].floors"),
        (("call_steps", 1), 1, "call_steps[1]"),
    ],
)
def test_another_value_fails(path: tuple[str | int, ...], to: object, difference: str) -> None:
    """A capture that differs anywhere is a failure that names the place."""
    capture = changed(CAPTURES["di/init/eu-off"], "session", 0, "properties", to={"floors": 1})
    capture = changed(capture, "calls", 1, 2, to={"floors": 1})
    assert reproduce(capture).standing == Standing.REPRODUCED
    found = reproduce(changed(capture, *path, to=to))
    assert [each.path for each in found.differences] == [difference]
    assert found.standing == Standing.FAILED


def test_order_counts_unless_the_capture_says_otherwise() -> None:
    """Two calls of one message that change places are a difference, and none if `unordered`."""
    capture = CAPTURES["di/increments/prop-case-variants"]
    assert capture.line["unordered"] is True
    calls = capture.line["calls"]
    swapped = changed(capture, "calls", to=[*calls[:-2], calls[-1], calls[-2]])
    assert reproduce(swapped).standing == Standing.REPRODUCED
    assert reproduce(changed(swapped, "unordered", to=False)).standing == Standing.FAILED


def test_a_rule_that_depends_on_a_later_one_is_named() -> None:
    """Lists are united on a profile only with profiles on; both rules explain such a session."""
    changes = dict(attribute(CAPTURES["di/mixed/random-25"]).changes)
    assert {"people_default", "array_traits"} <= changes.keys()


@pytest.mark.parametrize(
    ("settings", "calls"),
    [
        ({}, []),
        ({"people": True}, [["getInstance", None], ["track", "E", {}]]),
        ({"token": ""}, [["getInstance", ""], ["track", "E", {}]]),
        ({"token": 12}, [["getInstance", "12"], ["track", "E", {}]]),
    ],
)
def test_android_settings_are_read_as_the_library_reads_them(
    settings: dict[str, Any], calls: list[Any]
) -> None:
    """A token of any kind is taken, and empty settings create no integration."""
    line = {"settings": settings, "session": [{"type": "track", "event": "E"}]}
    outcome = MobileCapture("x", "init", "android", line).outcome(Rules.observed())
    assert outcome["calls"] == calls
