"""People who were merged, split, lost or added."""

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.migration.contents import ProjectContents
from conformance.migration.differences.common_causes import NO_RULE
from conformance.migration.differences.counting import PEOPLE, DifferenceCounter, ProjectDifferences
from conformance.migration.differences.identity_causes import IdentityCauses
from conformance.migration.differences.name_rules import name_rule
from conformance.migration.differences.people_changes import Ids, PeopleChange
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
    same: dict[str, str] = {}
    seen: tuple[set[str], set[str]] = (set(), set())
    causes = IdentityCauses(old, new)
    changes = _PeopleCounter(found, old, new, count)
    _count_moved(moved, changes)
    for group in connected_people(pairs):
        seen[0].update(group.old)
        seen[1].update(group.new)
        if len(group.old) == len(group.new) == 1:
            same[min(group.old)] = min(group.new)
            continue
        kind = _kind_of(group)
        number = max(len(group.old), len(group.new)) if kind is ChangeClass.REGROUPED else 1
        first = min(group.links.values())
        changes.count(kind, first, group.old, group.new, causes.of(group), number)
        found.not_compared += len(group.old)
    found.people = len(everyone[0]), len(everyone[1])
    found.same_people = len(same)
    for person, other in sorted(same.items()):
        if not _ids(person, old) & _ids(other, new):
            rule = name_rule(person, other) or NO_RULE
            first_message = everyone[0].get(person, everyone[1].get(other))
            if first_message is not None:
                changes.count(ChangeClass.RENAMED, first_message, [person], [other], (rule,))
    for person in sorted(everyone[0].keys() - seen[0]):
        changes.count(ChangeClass.REMOVED, everyone[0][person], [person], [])
    for person in sorted(everyone[1].keys() - seen[1]):
        changes.count(ChangeClass.ADDED, everyone[1][person], [], [person])
    return same


@dataclass
class _PeopleCounter:
    """Counts changes of people, and lists them in full."""

    found: ProjectDifferences
    old: ProjectContents
    new: ProjectContents
    counter: DifferenceCounter

    def count(
        self,
        kind: ChangeClass,
        message: int,
        old: Iterable[str],
        new: Iterable[str],
        causes: tuple[str, ...] = (),
        number: int = 1,
    ) -> None:
        """Count `number` people who changed, first shown by a message."""
        before, after = _all_ids(old, self.old), _all_ids(new, self.new)
        self.counter(
            *(kind, PEOPLE, ""),
            message=message,
            old=_shown(before),
            new=_shown(after),
            count=number,
            causes=causes,
        )
        place = self.counter.place(message)
        shown = (self.counter.redacted(before), self.counter.redacted(after))
        self.found.people_changes.add(PeopleChange(message, *place, kind, causes, *shown))


def _with_same_ids(
    everyone: tuple[Iterable[str], Iterable[str]], old: ProjectContents, new: ProjectContents
) -> dict[str, str]:
    """People of the old project to those of the new one who have exactly the same ids."""
    by_ids = {_ids(person, new): person for person in everyone[1]}
    found = ((person, by_ids.get(_ids(person, old))) for person in everyone[0])
    return {person: other for person, other in found if other is not None}


def _ids(person: str, contents: ProjectContents) -> frozenset[str]:
    return frozenset(map(plain_id, contents.people.get(person, (person,))))


def _count_moved(moved: Iterable[tuple[int, str, str]], changes: _PeopleCounter) -> None:
    """Count people whose messages reach another person, each with the first such message."""
    seen: set[str] = set()
    for message, one, two in sorted(moved):
        if one not in seen:
            seen.add(one)
            changes.count(ChangeClass.MOVED, message, [one], [two])


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


def _all_ids(people: Iterable[str], contents: ProjectContents) -> Ids:
    """The ids of each of some people."""
    return tuple(tuple(contents.people.get(person, (person,))) for person in sorted(people))


def _shown(people: Ids) -> str | None:
    """The first people with their first ids, as text of JSON; None for nobody."""
    found = []
    for ids in people[:MAX_IDS]:
        more = len(ids) - MAX_IDS
        found.append(list(ids) if more <= 0 else [*ids[:MAX_IDS], f"{more} more ids"])
    return compact(found) if found else None
