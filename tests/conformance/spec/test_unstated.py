"""What the documentation does not state is `should`, also in scenarios that cite it."""

from fnmatch import fnmatchcase
from typing import Any

import pytest

from conformance.runner.compare import Difference, Kind
from conformance.runner.levels import as_documented
from conformance.runner.outcomes import Outcome, Verdict
from conformance.spec.scenarios.loading import load_scenarios
from conformance.spec.unstated import unstated


def failed(message: dict[str, Any], *differences: Difference, id: str = "page/any") -> Outcome:
    return Outcome(
        kind="scenario",
        id=id,
        title="A title",
        level="must",
        mode="cloud",
        rules="documented",
        source=("doc#page",),
        verdict=Verdict.FAIL,
        tags=("must", "page"),
        differences=differences,
        given={"steps": [{"messages": [message]}]},
    )


def missing(path: str) -> Difference:
    return Difference(path, Kind.MISSING, "x")


@pytest.mark.parametrize(
    ("message", "path", "level"),
    [
        ({"type": "page", "name": "Home"}, "events[0].properties.name", "should"),
        (
            {"type": "page", "name": "Home", "properties": {"name": "a"}},
            "events[0].properties.name",
            "must",
        ),
        ({"type": "page", "name": "Home"}, "events[0].properties.plan", "must"),
        ({"type": "alias", "userId": "u"}, "errors[0]", "should"),
        ({"userId": "u-1", "traits": {"e_mail": "a@b.c"}}, 'profiles["u-1"].$email', "should"),
        ({"userId": "u-1", "traits": {"email": "a@b.c"}}, 'profiles["u-1"].$email', "must"),
        ({"userId": "u1", "traits": {"email": "a@b.c"}}, "profiles.u1.$email", "must"),
        ({"userId": "u-1", "traits": {"created": 1}}, 'profiles["u-1"].$created', "must"),
    ],
)
def test_level_of_a_difference(message: dict[str, Any], path: str, level: str) -> None:
    """A difference that the documentation does not state makes a failure `should`."""
    assert as_documented(failed(message, missing(path))).level == level


def test_one_stated_difference_is_enough() -> None:
    """A failure stays `must` if anything that differs is stated."""
    both = failed({"type": "page"}, missing("events[0].properties.name"), missing("events[1]"))
    found = as_documented(both)
    assert found.level == "must"
    assert [each.stated for each in found.differences] == [False, True]


def test_another_persons_message_states_nothing() -> None:
    """The difference of one profile is judged by the messages of that person only."""
    outcome = failed(
        {"userId": "u-1", "traits": {"email": "a@b.c"}}, missing('profiles["u-2"].$email')
    )
    assert as_documented(outcome).level == "should"


def test_a_demoted_failure_says_why() -> None:
    """The reason is a note, and the tags have the new level."""
    outcome = as_documented(failed({"type": "page"}, missing("errors[0]")))
    assert outcome.tags == ("page", "should")
    assert outcome.notes == (
        "should, not must: The documentation does not say which messages a translator must report "
        "as errors.",
    )


def test_every_row_is_about_scenarios() -> None:
    """A glob of scenarios in the table matches at least one."""
    ids = [scenario.id for scenario in load_scenarios()]
    globs = [glob for row in unstated() for glob in row.scenarios]
    assert [glob for glob in globs if not any(fnmatchcase(each, glob) for each in ids)] == []
