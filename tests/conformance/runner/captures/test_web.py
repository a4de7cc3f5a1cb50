"""Captures of sessions in a real browser: reproduced by the observed rules, explained by names."""

import copy
import dataclasses

import pytest

from conformance.runner.captures.attribution import attribute
from conformance.runner.captures.cloud import Standing, load_defects, reproduce
from conformance.runner.captures.web import DeviceCapture, load_device_captures
from conformance.runner.compare import Difference, Kind
from tests.conformance.runner.captures.changes import changed

CAPTURES = {capture.id: capture for capture in load_device_captures()}
EACH = pytest.mark.parametrize(
    "capture", [pytest.param(item, id=key) for key, item in CAPTURES.items()]
)


@EACH
def test_reproduced(capture: DeviceCapture) -> None:
    """Calls, requests and storage are exactly those recorded, save for a defect on the list."""
    reproduction = reproduce(capture)
    expected = Standing.DEFECT if capture.id in load_defects() else Standing.REPRODUCED
    assert reproduction.standing == expected, reproduction.outcome.text()


@EACH
def test_explained(capture: DeviceCapture) -> None:
    """Every difference of the documented rules is explained by named rules alone."""
    attribution = attribute(capture)
    assert attribution.unexplained == (), attribution.outcome.text()


def test_all_captures_are_there() -> None:
    """None is lost, and one is on the list of defects."""
    assert 96 == len(load_device_captures()) == len(CAPTURES)
    assert [key for key in load_defects() if key in CAPTURES] == ["dw/init/empty-token"]


@pytest.mark.parametrize(
    ("path", "to", "difference"),
    [
        (("calls", 2, 2, "a"), 2, "calls[2][2].a"),
        (("call_steps", 2), 1, "call_steps[2]"),
        (("requests", 0, "step"), 1, "requests[0].step"),
        (("requests", 0, "query", "ip"), "0", "requests[0].query.ip"),
        (
            ("requests", 0, "body", "data", "properties", "$os"),
            "Linux",
            "requests[0].body.data.properties.$os",
        ),
        (("storage", "cookies", 0, "secure"), True, "storage.cookies[0].secure"),
        (("storage", "cookies", 0, "value", "mp_lib"), "web", "storage.cookies[0].value.mp_lib"),
    ],
)
def test_any_other_value_fails(path: tuple[str | int, ...], to: object, difference: str) -> None:
    """A capture that differs anywhere is red, with the path."""
    reproduction = reproduce(changed(CAPTURES["dw/init/token-only"], *path, to=to))
    assert [found.path for found in reproduction.differences] == [difference]
    assert reproduction.standing == Standing.FAILED


def test_a_missing_request_fails() -> None:
    """One request more than recorded is red."""
    capture = CAPTURES["dw/identify/id-only-people-off"]
    requests = capture.line["requests"]
    reproduction = reproduce(changed(capture, "requests", to=requests[:1]))
    assert [(found.path, found.kind) for found in reproduction.differences] == [
        ("requests[1]", Kind.UNEXPECTED)
    ]


def test_each_rule_gets_the_change_that_is_its_own() -> None:
    """A session with a list of arrays differs by the rules that are about it, and says where."""
    attribution = attribute(CAPTURES["dw/arrays/numbers-become-strings"])
    changes = dict(attribution.changes)
    assert changes["array_super_properties"][:2] == ("calls[9][1].nums[0]", "calls[9][1].nums[1]")
    assert changes["page_default"] == ("calls[0][2].consolidatedPageCalls",)


def test_placeholders_stand_for_the_sdks_own_values_only() -> None:
    """A `time` that the page set itself is compared as it is."""
    capture = CAPTURES["dw/track/simple"]
    line = copy.deepcopy(capture.line)
    line["session"][0]["properties"]["time"] = 7
    line["calls"][2][2]["time"] = 7
    found = reproduce(dataclasses.replace(capture, line=line)).differences
    path = "requests[0].body.data.properties.time"
    assert found == (Difference(path, Kind.CHANGED, "<time>", 7),)
