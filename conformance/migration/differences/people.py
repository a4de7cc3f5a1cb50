"""People who were merged, split, lost or added."""

from collections.abc import Iterable

from conformance.migration.contents import ProjectContents
from conformance.migration.differences.counting import PEOPLE, DifferenceCounter, ProjectDifferences
from conformance.migration.people import (
    NOBODY,
    ConnectedPeople,
    connected_people,
    pairs_of,
    without_moved,
)
from conformance.regression.differences.changes import ChangeClass
from conformance.regression.json_text import compact
from conformance.runner.replay.contents import plain_id

MAX_IDS = 6
"""Ids of a person in an example."""


def compare_people(
    found: ProjectDifferences, old: ProjectContents, new: ProjectContents, count: DifferenceCounter
) -> dict[str, str]:
    """Count people merged and split, and messages that reach another person.

    Gives the people who are the same, old to new.
    """
    pairs: list[tuple[int, str, str]] = []
    for message in sorted(old.events.keys() & new.events.keys()):
        pairs += pairs_of(message, _who(old, message), _who(new, message))
    for message in sorted(old.updated.keys() & new.updated.keys()):
        pairs += pairs_of(message, old.updated[message], new.updated[message])
    everyone = _first_messages(old), _first_messages(new)
    pairs, moved = without_moved(pairs, _with_same_ids(everyone, old, new))
    _count_moved(moved, old, new, count)
    same: dict[str, str] = {}
    seen: tuple[set[str], set[str]] = (set(), set())
    for group in connected_people(pairs):
        seen[0].update(group.old)
        seen[1].update(group.new)
        if len(group.old) == len(group.new) == 1:
            same[min(group.old)] = min(group.new)
            continue
        kind = _kind_of(group)
        number = max(len(group.old), len(group.new)) if kind is ChangeClass.REGROUPED else 0
        message = min(group.links.values())
        count(
            kind,
            PEOPLE,
            "",
            message=message,
            count=number or (len(group.old) if kind is ChangeClass.SPLIT else len(group.new)),
            old=_named(group.old, old),
            new=_named(group.new, new),
        )
        found.not_compared += len(group.old)
    found.people = len(everyone[0]), len(everyone[1])
    found.same_people = len(same)
    for person in sorted(everyone[0].keys() - seen[0]):
        shown = _named([person], old)
        count(ChangeClass.REMOVED, PEOPLE, "", message=everyone[0][person], old=shown)
    for person in sorted(everyone[1].keys() - seen[1]):
        shown = _named([person], new)
        count(ChangeClass.ADDED, PEOPLE, "", message=everyone[1][person], new=shown)
    return same


def _with_same_ids(
    everyone: tuple[Iterable[str], Iterable[str]], old: ProjectContents, new: ProjectContents
) -> dict[str, str]:
    """People of the old project to those of the new one who have exactly the same ids."""
    by_ids = {_ids(person, new): person for person in everyone[1]}
    found = ((person, by_ids.get(_ids(person, old))) for person in everyone[0])
    return {person: other for person, other in found if other is not None}


def _ids(person: str, contents: ProjectContents) -> frozenset[str]:
    return frozenset(map(plain_id, contents.people.get(person, (person,))))


def _count_moved(
    moved: Iterable[tuple[int, str, str]],
    old: ProjectContents,
    new: ProjectContents,
    count: DifferenceCounter,
) -> None:
    """Count people whose messages reach another person, each with the first such message."""
    seen: set[str] = set()
    for message, one, two in sorted(moved):
        if one not in seen:
            seen.add(one)
            sides = _named([one], old), _named([two], new)
            count(ChangeClass.MOVED, PEOPLE, "", message=message, old=sides[0], new=sides[1])


def _who(contents: ProjectContents, message: int) -> set[str]:
    return {person for _, person in contents.events[message]}


def _first_messages(contents: ProjectContents) -> dict[str, int]:
    """Everybody who has an event or a profile, with their first message."""
    first: dict[str, int] = {}
    for message in sorted(contents.events.keys() | contents.updated.keys()):
        people = {person for _, person in contents.events.get(message, ())}
        people |= {each for each in contents.updated.get(message, ()) if each in contents.profiles}
        for person in people - {NOBODY}:
            first.setdefault(person, message)
    return first


def _kind_of(group: ConnectedPeople) -> ChangeClass:
    if len(group.old) == 1:
        return ChangeClass.SPLIT
    return ChangeClass.MERGED if len(group.new) == 1 else ChangeClass.REGROUPED


def _named(people: Iterable[str], contents: ProjectContents) -> str:
    """People with all their ids, as text of JSON."""
    found = []
    for person in sorted(people):
        ids = list(contents.people.get(person, (person,)))
        more = len(ids) - MAX_IDS
        found.append(ids if more <= 0 else [*ids[:MAX_IDS], f"{more} more ids"])
    return compact(found[:MAX_IDS])
