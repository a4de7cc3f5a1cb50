"""Differences of the profiles of people and of groups."""

from collections.abc import Mapping

from conformance.migration.contents import ProjectContents
from conformance.migration.differences.counting import (
    GROUPS,
    PROFILES,
    DifferenceCounter,
    ProjectDifferences,
)
from conformance.migration.differences.name_rules import type_causes
from conformance.migration.differences.paths import property_names
from conformance.migration.differences.sums import TRANSACTIONS
from conformance.migration.differences.sums_of_people import compare_sums_of_person
from conformance.regression.differences.changes import ChangeClass, changes
from conformance.regression.json_text import compact, printable, same_text
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
        if same_text(before, after):
            continue
        compare_sums_of_person(found, before or {}, after or {}, counters, _label(one), count)
        if before is None or after is None:
            kind = ChangeClass.ADDED if before is None else ChangeClass.REMOVED
            whole = compact(after if before is None else before)
            sides = (None, whole) if before is None else (whole, None)
            count(kind, PROFILES, "", old=sides[0], new=sides[1], who=_label(one))
            continue
        left_out = {TRANSACTIONS, *counters}
        _values(before, after, left_out, PROFILES, _label(one), count)


def compare_groups(old: ProjectContents, new: ProjectContents, count: DifferenceCounter) -> None:
    """Count differences of groups: those with another group key, lost and new ones, and values."""
    moved = moved_groups(old.groups, new.groups)
    for (key, name), other in sorted(moved.items()):
        who, one, two = f"{key}: {name}", old.groups[key, name], new.groups[other, name]
        path = f"{key[:MOST_KEY]} -> {other[:MOST_KEY]}"
        shown = f"{key}: {compact(one)}", f"{other}: {compact(two)}"
        count(ChangeClass.MOVED, GROUPS, path, old=shown[0], new=shown[1], who=printable(who))
        _values(one, two, set(), GROUPS, printable(who), count)
    sources = moved.keys()
    targets = {(other, name) for (_, name), other in moved.items()}
    for group in sorted(old.groups.keys() | new.groups.keys()):
        before = None if group in sources else old.groups.get(group)
        after = None if group in targets else new.groups.get(group)
        who = printable(": ".join(group))
        if before is not None and after is not None:
            _values(before, after, set(), GROUPS, who, count)
        elif after is not None:
            count(ChangeClass.ADDED, GROUPS, "", new=compact(after), who=who)
        elif before is not None:
            count(ChangeClass.REMOVED, GROUPS, "", old=compact(before), who=who)


MOST_KEY = 100
"""Characters of a group key in a path."""

Groups = Mapping[tuple[str, str], Json]
"""Group key and group id -> properties."""


def moved_groups(old: Groups, new: Groups) -> dict[tuple[str, str], str]:
    """Old groups that have another group key in the new project, each with that key.

    A group moved if the new project has a group with the same id and properties under another
    key, but not under the old key. It also moved if it is the only lost group with its id, and
    there is exactly one new group with this id, whatever its properties.
    """
    changed: dict[str, tuple[list[str], list[str]]] = {}
    for side, (groups, others) in enumerate(((old, new), (new, old))):
        for key, name in sorted(groups):
            if others.get((key, name)) != groups[key, name]:
                changed.setdefault(name, ([], []))[side].append(key)
    moved: dict[tuple[str, str], str] = {}
    for name, (before, after) in changed.items():
        for key in before:
            same = [other for other in after if other != key]
            same = [other for other in same if old[key, name] == new[other, name] != {}]
            if same:
                moved[key, name] = same[0]
                after.remove(same[0])
        lost = [key for key in before if (key, name) not in moved and (key, name) not in new]
        found = [key for key in after if (key, name) not in old]
        if len(lost) == len(found) == 1:
            moved[lost[0], name] = found[0]
    return moved


def _values(
    before: Json, after: Json, left_out: set[str], section: str, who: str, count: DifferenceCounter
) -> None:
    """Count differences between two objects, as those of two profiles."""
    old = {key: value for key, value in before.items() if key not in left_out}
    new = {key: value for key, value in after.items() if key not in left_out}
    if same_text(old, new):  # in Python 1 equals true
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
        causes = type_causes(change)
        count(change.kind, section, path, old=sides[0], new=sides[1], who=who, causes=causes)


def _label(person: str) -> str:
    return f"person {compact(person)}"
