"""Differences of the profiles of people and of groups."""

from collections.abc import Mapping

from conformance.migration.contents import ProjectContents
from conformance.migration.differences.counting import (
    GROUPS,
    PROFILES,
    DifferenceCounter,
    ProjectDifferences,
)
from conformance.migration.differences.paths import property_names
from conformance.migration.differences.sums import TRANSACTIONS
from conformance.regression.differences.changes import ChangeClass, changes
from conformance.regression.json_text import compact, printable
from conformance.spec.scenarios.loading import Json


def compare_profiles(
    found: ProjectDifferences,
    old: ProjectContents,
    new: ProjectContents,
    same: Mapping[str, str],
    counters: set[str],
    count: DifferenceCounter,
) -> None:
    """Count differences of the profiles of people who are the same in both projects.

    `counters` are properties that are compared by their sums.
    """
    for one, two in sorted(same.items()):
        before, after = old.profiles.get(one), new.profiles.get(two)
        if before is None and after is None:
            continue
        if before is None or after is None:
            kind = ChangeClass.ADDED if before is None else ChangeClass.REMOVED
            whole = compact(after if before is None else before)
            sides = (None, whole) if before is None else (whole, None)
            count(kind, PROFILES, "", old=sides[0], new=sides[1], who=_label(one))
            continue
        left_out = {TRANSACTIONS, *counters}
        _values(before, after, left_out, PROFILES, _label(one), count)


def compare_groups(old: ProjectContents, new: ProjectContents, count: DifferenceCounter) -> None:
    for name in sorted(old.groups.keys() | new.groups.keys()):
        before, after = old.groups.get(name), new.groups.get(name)
        if before is None:
            count(ChangeClass.ADDED, GROUPS, "", new=compact(after), who=printable(name))
        elif after is None:
            count(ChangeClass.REMOVED, GROUPS, "", old=compact(before), who=printable(name))
        else:
            _values(before, after, set(), GROUPS, printable(name), count)


def _values(
    before: Json, after: Json, left_out: set[str], section: str, who: str, count: DifferenceCounter
) -> None:
    """Count differences between two objects, as those of two profiles."""
    old = {key: value for key, value in before.items() if key not in left_out}
    new = {key: value for key, value in after.items() if key not in left_out}
    if old == new:
        return
    one, two = (
        {"operations": [{"endpoint": "/engage", "host": "", "payload": {"p": each}}]}
        for each in (old, new)
    )
    for change in changes(one, two):
        sides = (
            None if change.kind is ChangeClass.ADDED else compact(change.old),
            None if change.kind is ChangeClass.REMOVED else compact(change.new),
        )
        path = property_names(change.path, "payload.p")
        count(change.kind, section, path, old=sides[0], new=sides[1], who=who)


def _label(person: str) -> str:
    return f"person {compact(person)}"
