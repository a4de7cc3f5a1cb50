"""The captures of the classic integration: reproduced by the observed rules, explained by names."""

import dataclasses
from typing import Any

import pytest

from conformance.runner.captures.attribution import attribute, by_rule
from conformance.runner.captures.cloud import (
    MAX_DEFECTS,
    Capture,
    Standing,
    destination_settings,
    load_captures,
    load_defects,
    reproduce,
)
from conformance.runner.compare import Difference, Kind
from conformance.runner.outcomes import Verdict
from translator import Result, Rules, translate
from translator.core.rules import RULES

CAPTURES = {capture.id: capture for capture in load_captures()}


@pytest.mark.parametrize("capture", [pytest.param(item, id=key) for key, item in CAPTURES.items()])
def test_reproduced(capture: Capture) -> None:
    """The observed rules send exactly what was seen, save for a defect that is on the list."""
    reproduction = reproduce(capture)
    expected = Standing.DEFECT if capture.id in load_defects() else Standing.REPRODUCED
    assert reproduction.standing == expected, reproduction.outcome.text()


@pytest.mark.parametrize("capture", [pytest.param(item, id=key) for key, item in CAPTURES.items()])
def test_explained(capture: Capture) -> None:
    """Every difference of the documented rules is explained by named rules alone."""
    attribution = attribute(capture)
    assert attribution.unexplained == (), attribution.outcome.text()


def test_all_captures_are_there() -> None:
    """None is lost, and few are on the list of defects."""
    assert 264 == len(load_captures()) == len(CAPTURES)
    assert len(load_defects()) <= MAX_DEFECTS


def test_classic_settings_become_ours() -> None:
    """Keys are renamed, and a switch that is absent or null is off."""
    classic = {
        "token": "T",
        "apiKey": "S",
        "increments": ["A"],
        "people": True,
        "trackAllPages": None,
    }
    assert destination_settings(classic) == {
        "token": "T",
        "apiSecret": "S",
        "eventIncrements": ["A"],
        "people": True,
        "consolidatedPageCalls": False,
        "trackAllPages": False,
        "trackCategorizedPages": False,
        "trackNamedPages": False,
        "legacySuperProperties": False,
    }


def test_another_property_fails() -> None:
    """A capture whose payload differs anywhere is red, with the path."""
    capture = CAPTURES["cloud-s-002-track-server-min"]
    record = capture.requests[0]["record"]
    other = {**record, "properties": {**record["properties"], "item": "wheel"}}
    changed = dataclasses.replace(capture, requests=[{"endpoint": "/track", "record": other}])
    reproduction = reproduce(changed)
    path = "requests[0].record.properties.item"
    assert reproduction.differences == (Difference(path, Kind.CHANGED, "wheel", "kiln"),)
    assert reproduction.standing == Standing.FAILED


def test_another_order_fails() -> None:
    """The order of the requests counts."""
    capture = CAPTURES["cloud-s-097-inc-dup"]
    changed = dataclasses.replace(capture, requests=capture.requests[::-1])
    assert reproduce(capture).standing == Standing.REPRODUCED
    assert reproduce(changed).standing == Standing.FAILED


def test_an_error_must_be_an_error() -> None:
    """A capture that failed must fail at the same stage."""
    capture = CAPTURES["cloud-s-215-gr-basic"]
    changed = dataclasses.replace(capture, stage="validate")
    assert reproduce(changed).differences == (
        Difference("stage", Kind.CHANGED, "validate", "unsupported"),
    )


def test_a_defect_excuses_its_own_paths_only() -> None:
    """Any further difference of a capture on the list is red, and so is a stale entry."""
    capture = CAPTURES["cloud-s-174-id-arrays"]
    reproduction = reproduce(capture)
    assert reproduction.standing == Standing.DEFECT
    further = Difference("requests[0].record.$set.more", Kind.UNEXPECTED, actual=1)
    worse = dataclasses.replace(reproduction, differences=(*reproduction.differences, further))
    assert worse.standing == Standing.FAILED
    stale = dataclasses.replace(reproduction, differences=())
    assert stale.standing == Standing.FAILED
    assert [each.outcome.verdict for each in (reproduction, worse, stale)] == [
        Verdict.EXPECTED_FAILURE,
        Verdict.FAIL,
        Verdict.STALE,
    ]


def test_each_rule_gets_the_change_that_is_its_own() -> None:
    """A capture with revenue and People off differs by insert id and charge, and says where."""
    attribution = attribute(CAPTURES["cloud-s-065-rev-number-nopeople"])
    assert attribution.changes == (
        ("insert_id", ("requests[0].record.properties.$insert_id",)),
        ("charge_needs_people", ("requests[1]",)),
    )


def test_a_change_without_a_name_is_unexplained() -> None:
    """A difference that depends on the whole rule set, and not on a rule of it, fails."""

    def unnamed(message: Any, settings: Any, *, rules: Rules, **options: Any) -> Result:
        result = translate(message, settings, rules=rules, **options)
        if rules != Rules.documented():
            return result
        return result._replace(operations=result.operations[:0])

    assert attribute(CAPTURES["cloud-s-002-track-server-min"], unnamed).unexplained


def test_report_by_rule() -> None:
    """The report names rules of the table only, in its order, each with its captures."""
    found = by_rule(attribute(CAPTURES[key]).outcome for key in list(CAPTURES)[:60])
    assert [rule.name for rule in RULES if rule.name in found] == list(found)
    assert "cloud-s-053-track-no-event" in found["missing_event_name"]
