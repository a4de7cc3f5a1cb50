"""Accepted differences of a target."""

import dataclasses
import datetime
from pathlib import Path

import pytest

from conformance.errors import DataError
from conformance.runner.compare import Difference, Kind, json_step
from conformance.runner.outcomes import Outcome, Verdict, of_scenario
from conformance.runner.tolerances import (
    DifferenceClass,
    Tolerances,
    class_of,
    read_tolerances,
    tolerances_text,
)
from conformance.spec.scenarios.loading import load_scenarios

TODAY = datetime.date(2026, 6, 15)
MISSING = Difference("events[3].properties.plan", Kind.MISSING, "pro")
CHANGED = Difference('profiles["u-1"].seats', Kind.CHANGED, 3, 4)

ENTRY = """
[[approval]]
class = "missing"
operation = "event"
path = "properties.pl*"
reason = "plans are not sent"
expires = 2026-12-31
"""


def failed(*differences: Difference) -> Outcome:
    return of_scenario(load_scenarios()[0], Verdict.FAIL, differences=differences)


def tolerances(text: str, folder: Path) -> Tolerances:
    file = folder / "tolerances.toml"
    file.write_text(text, encoding="utf-8")
    return Tolerances(read_tolerances(file), TODAY)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("events[3].properties.plan", DifferenceClass("missing", "event", "properties.plan")),
        ("events[12]", DifferenceClass("missing", "event", "")),
        ('profiles["u-1"].tags[2]', DifferenceClass("missing", "profile", "tags[]")),
        ("profiles.ann", DifferenceClass("missing", "profile", "")),
        ('groups.company["c 1"].name', DifferenceClass("missing", "group", "name")),
        ("people.joined", DifferenceClass("missing", "people", "joined")),
        ("errors[0]", DifferenceClass("missing", "errors", "[]")),
    ],
)
def test_class_of_a_difference(path: str, expected: DifferenceClass) -> None:
    """Numbers of events and ids of profiles and groups are not part of a class."""
    assert class_of(Difference(path, Kind.MISSING, 1), failed()) == expected


def test_class_in_the_profile_exact() -> None:
    """A difference of a request belongs to its endpoint."""
    requests = [{"endpoint": "/track"}, {"endpoint": "/engage"}]
    outcome = dataclasses.replace(failed(), expected={"requests": requests})
    difference = Difference("requests[1].record.$set.plan", Kind.MISSING, 1)
    expected = DifferenceClass("missing", "/engage", "record.$set.plan")
    assert class_of(difference, outcome) == expected


def test_what_is_tolerated_is_an_expected_failure(tmp_path: Path) -> None:
    """With the reason of the tolerance."""
    outcome = tolerances(ENTRY, tmp_path).applied(failed(MISSING))
    assert (outcome.verdict, outcome.reason) == (
        Verdict.EXPECTED_FAILURE,
        "tolerated: plans are not sent",
    )


def test_a_new_difference_in_the_same_scenario_stays_a_failure(tmp_path: Path) -> None:
    """Only differences that are not tolerated are shown."""
    outcome = tolerances(ENTRY, tmp_path).applied(failed(MISSING, CHANGED))
    assert (outcome.verdict, outcome.differences) == (Verdict.FAIL, (CHANGED,))


def test_expired_and_unused_tolerances_are_stale(tmp_path: Path) -> None:
    """An expired one tolerates nothing; an unused one is only told after a whole run."""
    old = tolerances(ENTRY.replace("2026-12-31", "2026-06-14"), tmp_path)
    assert old.applied(failed(MISSING)).verdict is Verdict.FAIL
    line = "tolerance 1 (missing, event, properties.pl*): "
    assert old.stale(whole=False) == [line + "it expired on 2026-06-14"]
    unused = tolerances(ENTRY, tmp_path)
    assert unused.stale(whole=True) == [line + "no difference needs it"]
    assert unused.stale(whole=False) == []


def test_what_is_written_tolerates_the_same_run(tmp_path: Path) -> None:
    """Most frequent first, each once, with an example."""
    outcomes = [failed(MISSING), failed(MISSING, CHANGED)]
    text = tolerances_text(outcomes, TODAY)
    assert text.index("# 2 scenarios, such as") < text.index("# 1 scenario, such as")
    assert text.count("[[approval]]") == 2
    found = tolerances(text, tmp_path)
    assert {found.applied(each).verdict for each in outcomes} == {Verdict.EXPECTED_FAILURE}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a = " + b"[" * 100_000 + b"]" * 100_000, "nested too deeply to be read"),
        (b"\xff\xfe", "not text in UTF-8"),
        (b"approval = 5", "a tolerance is"),
        (b"x = 1", "unknown key 'x'"),
    ],
)
def test_a_hostile_file(content: bytes, problem: str, tmp_path: Path) -> None:
    """A file that cannot be read is an error that names it."""
    file = tmp_path / "tolerances.toml"
    file.write_bytes(content)
    with pytest.raises(DataError, match=f"tolerances.toml: {problem}"):
        read_tolerances(file)


def test_a_tolerance_of_some_scenarios(tmp_path: Path) -> None:
    """Elsewhere the same difference stays a failure."""
    outcome = failed(MISSING)
    for scenarios, verdict in (
        (f'["{outcome.id}"]', Verdict.EXPECTED_FAILURE),
        ('["alias/*", "x/y"]', Verdict.EXPECTED_FAILURE),
        ('["x/y"]', Verdict.FAIL),
    ):
        entry = f"{ENTRY}scenarios = {scenarios}\n"
        assert tolerances(entry, tmp_path).applied(outcome).verdict is verdict


@pytest.mark.parametrize(
    ("path", "general"),
    [
        ("events[0]", False),
        ("events[0].time", False),
        ("events[0].person", False),
        ("profiles.ann", False),
        ("people.joined", False),
        ("errors[0]", False),
        ("events[0].properties.plan", True),
        ("profiles.ann.plan", True),
        ("groups.company.x.plan", True),
    ],
)
def test_whole_records_are_tolerated_in_their_scenarios_only(
    path: str, general: bool, tmp_path: Path
) -> None:
    """A first run with a missing event does not accept that all events are missing later."""
    first = failed(Difference(path, Kind.MISSING, 1))
    later = dataclasses.replace(first, id="track/other")
    found = tolerances(tolerances_text([first], TODAY), tmp_path)
    expected = Verdict.EXPECTED_FAILURE if general else Verdict.FAIL
    assert found.applied(later).verdict is expected
    assert found.applied(first).verdict is Verdict.EXPECTED_FAILURE


def test_any_property_can_be_written(tmp_path: Path) -> None:
    """Names of properties with letters that TOML writes in its own way, or not at all."""
    first = failed(
        *(
            Difference(f"events[0].properties{json_step(name)}", Kind.MISSING, 1)
            for name in ("😀", "\ud800", 'a"b\\c\x7f\n', "*")
        )
    )
    found = tolerances(tolerances_text([first], TODAY), tmp_path)
    assert found.applied(first).verdict is Verdict.EXPECTED_FAILURE


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('class = "missing"', 'class = "gone"', "class must be one of changed, missing, unexpec"),
        ('reason = "plans are not sent"', 'reason = " "', "reason is empty"),
        ('reason = "plans are not sent"\n', "", "tolerance 1: 'reason' is missing"),
        ("expires = 2026-12-31", 'expires = "2026-12-31"', "expires must be a date without quotes"),
        ("operation", "operaton", "unknown field 'operaton'"),
        (
            'operation = "event"\npath = "properties.pl*"',
            'operation = "*"\npath = "**"',
            "tolerance 1 accepts every difference that is missing; name an operation",
        ),
        ("expires", 'scenarios = "track/a"\nexpires', "scenarios must be a list of texts"),
        ("expires", "scenarios = []\nexpires", "scenarios is empty"),
        ("[[approval]]", "[approval]", "a tolerance is \\[\\[approval\\]\\]"),
    ],
)
def test_a_wrong_file(old: str, new: str, problem: str, tmp_path: Path) -> None:
    """The error names the tolerance and the field."""
    assert old in ENTRY
    with pytest.raises(DataError, match=problem):
        tolerances(ENTRY.replace(old, new), tmp_path)
