"""Groups of connected ids: those that one message names, and those connected through others.

Nothing that happens to a person in Mixpanel depends on people whose ids are not connected, so
groups of connected ids can be compared apart.
"""

from collections.abc import Iterable, Iterator

from conformance.migration.batches import ids_of
from conformance.spec.scenarios.loading import Json


class ConnectedIds:
    """Ids, and the smallest id that each is connected with (union-find)."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def connect(self, ids: Iterable[str]) -> None:
        """Connect some ids with each other."""
        first: str | None = None
        for each in ids:
            root = self.root(each)
            if first is None or root == first:
                first = root
                continue
            low, high = sorted((first, root))
            self._parents[high] = low
            first = low

    def root(self, name: str) -> str:
        """The smallest id that an id is connected with; itself if there is none."""
        parents = self._parents
        root = name
        while (parent := parents.get(root, root)) != root:
            root = parent
        while (parent := parents.get(name, name)) != root:
            parents[name] = root
            name = parent
        return root

    def links(self) -> Iterator[tuple[str, str]]:
        """Every id that is connected with a smaller one, and the smallest."""
        for name in list(self._parents):
            if (root := self.root(name)) != name:
                yield name, root


SENDER = ""
"""Stands for the person of records without an id: Mixpanel gives them one by the sender's address,
and all records of a corpus have the same sender."""


def ids_in(answers: Iterable[Json]) -> list[str]:
    """The ids of people and groups that the operations of some answers name, as text.

    A device is the same with and without the prefix that Simplified ID Merge gives it.
    """
    found: set[str] = set()
    for payload in _payloads(answers):
        ids = {each.removeprefix("$device:") for each in ids_of(payload)}
        found |= ids or {SENDER}
    return sorted(found)


def counters_in(answers: Iterable[Json]) -> set[str]:
    """The properties that the operations of some answers add to."""
    added = (payload.get("$add") for payload in _payloads(answers))
    return {name for each in added if type(each) is dict for name in each}


def _payloads(answers: Iterable[Json]) -> Iterator[Json]:
    for answer in answers:
        for operation in answer.get("operations") or ():
            if type(operation.get("payload")) is dict:
                yield operation["payload"]
