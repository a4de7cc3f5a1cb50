"""Why people were merged, split or regrouped: which ids only one project joins, and by what."""

from collections.abc import Iterable, Iterator

from conformance.migration.contents import ProjectContents
from conformance.migration.people import ConnectedPeople
from conformance.runner.replay.contents import plain_id

OTHER_IDS = "the two translators send the same messages under different ids"
"""The cause where both projects join the same ids."""

SIDES = ("old", "new")


class IdentityCauses:
    """The causes of differences between the people of two projects."""

    def __init__(self, old: ProjectContents, new: ProjectContents) -> None:
        self._sides = _JoinedIds(old), _JoinedIds(new)

    def of(self, group: ConnectedPeople) -> tuple[str, ...]:
        """The causes for people who belong together, in the order of text."""
        one, two = self._sides
        ids = {*one.ids(group.old), *two.ids(group.new)}
        found = set(_only(one, two, SIDES, ids)) | set(_only(two, one, SIDES[::-1], ids))
        return tuple(sorted(found)) or (OTHER_IDS,)


class _JoinedIds:
    """The ids that one project joins."""

    def __init__(self, contents: ProjectContents) -> None:
        self.links = contents.links
        self._people = contents.people
        self._person = {
            plain_id(name): person for person, names in contents.people.items() for name in names
        }
        self._pairs: dict[str, list[tuple[str, str]]] = {}
        for pair, link in contents.links.items():
            if not link.refusal:
                self._pairs.setdefault(pair[0], []).append(pair)

    def ids(self, people: Iterable[str]) -> Iterator[str]:
        """All ids of some people."""
        for person in people:
            yield from map(plain_id, self._people.get(person, (person,)))

    def pairs(self, ids: Iterable[str]) -> Iterator[tuple[str, str]]:
        """The pairs of joined ids that begin with one of these ids."""
        for each in ids:
            yield from self._pairs.get(each, ())

    def joins(self, pair: tuple[str, str]) -> bool:
        """Whether two ids are one person."""
        one, two = (self._person.get(each, each) for each in pair)
        return one == two


def _only(
    this: _JoinedIds, other: _JoinedIds, sides: Iterable[str], ids: set[str]
) -> Iterator[str]:
    """The causes that join some of the ids in `this` project only, and why not in the other one."""
    here, there = sides
    for pair in this.pairs(ids):
        if not other.joins(pair):
            asked = other.links.get(pair)
            why = f"the {there} translator does not send it" if asked is None else asked.refusal
            yield f"only the {here} project joins the ids, by {this.links[pair].event}; {why}"
