"""Which scenarios `-k` and `--tag` choose."""

import pytest

from conformance.errors import UsageError
from conformance.runner.captures.cloud import load_captures
from conformance.spec.scenarios.loading import load_scenarios
from conformance.spec.scenarios.selection import Selection, select


def test_tags_must_all_be_there() -> None:
    """Several tags narrow the selection."""
    chosen = select(load_scenarios(), "direction", ["alias", "must"])
    assert [scenario.id for scenario in chosen] == ["alias/direction"]
    assert select(load_scenarios(), None, ["alias", "page"]) == []


def ids(selection: Selection) -> set[str]:
    return {scenario.id for scenario in selection.scenarios(load_scenarios())}


def test_by_id_or_glob() -> None:
    """Several are joined: what one of them names is chosen."""
    assert ids(Selection(ids=("alias/direction", "alias/to-itself*"))) == {
        "alias/direction",
        "alias/to-itself",
        "alias/to-itself-observed",
    }


def test_by_heading() -> None:
    """A heading chooses what cites it, wherever it lies."""
    chosen = Selection(headings=("insert-id",)).scenarios(load_scenarios())
    assert chosen
    assert {"doc#insert-id" in scenario.source for scenario in chosen} == {True}
    with pytest.raises(UsageError, match="no heading 'insert_id'; did you mean 'insert-id'"):
        Selection(headings=("insert_id",)).scenarios(load_scenarios())


def test_by_level_mode_and_rules() -> None:
    """Different conditions narrow the selection."""
    selection = Selection(levels=("should", "info"), mode="cloud", rules="observed")
    expected = {
        scenario.id
        for scenario in load_scenarios()
        if scenario.level != "must" and scenario.rules == "observed" and scenario.mode == "cloud"
    }
    assert ids(selection) == expected


def test_captures_belong_to_no_heading() -> None:
    """They are chosen by id, keyword and tag, and are of the level must."""
    every = load_captures()
    assert len(every) == len(Selection().captures(every))
    assert [capture.id for capture in Selection(ids=("*-s-002-*",)).captures(every)] == [
        "cloud-s-002-track-server-min"
    ]
    assert Selection(headings=("alias",)).captures(every) == []
    assert Selection(levels=("info",)).captures(every) == []


def test_what_is_not_there_is_named() -> None:
    """An id that matches nothing is a usage error with the nearest one."""
    with pytest.raises(UsageError, match="'alias/direktion'; did you mean 'alias/direction'"):
        Selection(ids=("alias/direktion",)).check_ids(["alias/direction"])


def test_as_text() -> None:
    """A selection is written as it is typed."""
    selection = Selection(("time/*",), "a and b", ("race",), ("alias",), ("must",), "cloud")
    assert (
        selection.text()
    ) == "'time/*' -k 'a and b' --tag race --heading alias --level must --mode cloud"
    assert Selection().text() == ""
