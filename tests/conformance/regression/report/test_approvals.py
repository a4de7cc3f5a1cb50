"""Approvals: what they cover, when they are stale, and what a file must say."""

import datetime
import re
import tomllib
from pathlib import Path

import pytest

from conformance.errors import DataError
from conformance.regression.differences.changes import ChangeClass
from conformance.regression.differences.counts import DiffCounts
from conformance.regression.differences.groups import Group, GroupKey
from conformance.regression.report.approvals import (
    Approval,
    match_approvals,
    read_approvals,
    toml_text,
)

TODAY = datetime.date(2026, 6, 15)
INSERT_ID = GroupKey(
    ChangeClass.ADDED, "event", "payload.properties.$insert_id", ("rule insert_id",)
)
PEOPLE_OFF = GroupKey(ChangeClass.SKIPPED, "message", "skipped.people_off")
COUNTS = DiffCounts(messages=1, groups={INSERT_ID: Group(1), PEOPLE_OFF: Group(1)})


def approval(
    kind: str = "added",
    operation: str = "event",
    path: str = "payload.properties.$insert_id",
    cause: str = "*",
    expires: datetime.date = TODAY,
) -> Approval:
    return Approval(1, ChangeClass(kind), operation, path, cause, "wanted", expires)


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "approvals.toml"
    path.write_text(text)
    return path


GOOD = """
[[approval]]
class = "added"
operation = "event"
path = "payload.properties.$insert_id"
reason = "events are deduplicated"
expires = 2026-12-31
"""


def test_a_file(tmp_path: Path) -> None:
    """Every field is read; without a cause any will do."""
    [found] = read_approvals(file(tmp_path, GOOD))
    assert found == Approval(
        1,
        ChangeClass.ADDED,
        "event",
        "payload.properties.$insert_id",
        "*",
        "events are deduplicated",
        datetime.date(2026, 12, 31),
    )


def test_an_empty_file_approves_nothing(tmp_path: Path) -> None:
    """A file of comments only is fine."""
    assert read_approvals(file(tmp_path, "# nothing yet\n")) == []


def test_an_approval_covers_its_group_only() -> None:
    """The group is approved, the other one is not, and nothing is stale."""
    one = approval()
    approvals = match_approvals(COUNTS, [one], TODAY)
    assert approvals.approved == {INSERT_ID: one}
    assert approvals.stale == ()


@pytest.mark.parametrize(
    ("fields", "covered"),
    [
        ({"path": "payload.properties.*"}, True),
        ({"operation": "e*", "path": "*"}, True),
        ({"operation": "/track event"}, True),
        ({"path": "payload.properties.?insert_id"}, True),
        ({"cause": "rule insert_id"}, True),
        ({"kind": "removed"}, False),
        ({"operation": "/engage event"}, False),
        ({"path": "payload"}, False),
        ({"path": "payload.properties.[$]insert_id"}, False),
        ({"cause": "rule array_traits"}, False),
    ],
)
def test_patterns(fields: dict[str, str], covered: bool) -> None:
    """`*` and `?` stand for anything, every other character for itself."""
    assert covered is approval(**fields).covers(INSERT_ID)  # type: ignore[arg-type]


def test_an_approval_that_nothing_needs_is_stale() -> None:
    """It says which one and why."""
    [stale] = match_approvals(COUNTS, [approval(path="payload.time")], TODAY).stale
    assert str(stale) == "approval 1 (added, event, payload.time): it matches no change; remove it"


def test_an_expired_approval_is_stale_and_approves_nothing() -> None:
    """It counts on its last day and not on the next."""
    late = approval(expires=TODAY - datetime.timedelta(days=1))
    approvals = match_approvals(COUNTS, [late], TODAY)
    assert approvals.approved == {}
    assert [stale.why for stale in approvals.stale] == ["it expired on 2026-06-14"]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('"added"', '"addd"', "approval 1: class must be one of added, removed"),
        ('class = "added"', "", "approval 1: 'class' is missing"),
        ('reason = "events are deduplicated"', "", "approval 1: 'reason' is missing"),
        ('"events are deduplicated"', '" "', "approval 1: reason is empty"),
        ("expires = 2026-12-31", "", "approval 1: 'expires' is missing"),
        ("2026-12-31", '"2026-12-31"', "approval 1: expires must be a date without quotes"),
        ("2026-12-31", "2026-12-31T00:00:00", "expires must be a date without quotes"),
        ("operation", "operaton", "approval 1: unknown field 'operaton'; known: class, operation"),
        ('"event"', "5", "approval 1: operation must be text"),
        ("[[approval]]", "[[approvals]]", "unknown key 'approvals'"),
        ("[[approval]]", "[approval]", "with two brackets"),
        ("[[approval]]", "[[approval", "approvals.toml: "),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, old: str, new: str, text: str) -> None:
    """The error names the approval and the field."""
    assert GOOD.count(old) == 1
    with pytest.raises(DataError, match=re.escape(text)):
        read_approvals(file(tmp_path, GOOD.replace(old, new)))


def test_text_for_a_file() -> None:
    """Any path can be written into the file and is read back the same."""
    for text in ("payload.$set", 'payload["b \\ \n\x7f\x00é"]', "a.😀", ""):
        assert text == tomllib.loads(f"path = {toml_text(text)}")["path"]
    assert tomllib.loads(f"path = {toml_text(chr(0xD800))}") == {"path": "?"}
