"""The list of all people who differ, for programs: the report itself has counts and examples."""

from dataclasses import dataclass, field
from typing import NamedTuple

from conformance.regression.differences.changes import ChangeClass
from conformance.spec.scenarios.loading import Json

MOST_CHANGES = 100_000
"""Changes that are kept: those nearest to the start of the corpus."""

Ids = tuple[tuple[str, ...], ...]
"""The ids of each of some people."""


class PeopleChange(NamedTuple):
    """People of the old project, and the people who have their ids in the new one.

    `message` is the number of the first message with the change; `where` and `id` are its place in
    the corpus and its message id.
    """

    message: int
    where: str
    id: str | None
    kind: ChangeClass
    causes: tuple[str, ...]
    old: Ids
    new: Ids

    def as_json(self) -> Json:
        """The change as the report has it."""
        return {
            "class": self.kind.value,
            "causes": list(self.causes),
            "where": self.where,
            "id": self.id,
            "from": self.old,
            "to": self.new,
        }


@dataclass
class PeopleChanges:
    """The changes nearest to the start of the corpus, and how many there are."""

    count: int = 0
    first: list[PeopleChange] = field(default_factory=list)

    def add(self, change: PeopleChange) -> None:
        """Add a change."""
        self.count += 1
        self.first.append(change)
        self._bound(2 * MOST_CHANGES)

    def merge(self, other: "PeopleChanges") -> None:
        """Add the changes of another part of the corpus."""
        self.count += other.count
        self.first += other.first
        self._bound(2 * MOST_CHANGES)

    def sort(self) -> None:
        """Sort the changes by their place in the corpus. Call it after all are added."""
        self._bound(0)

    def _bound(self, most: int) -> None:
        if len(self.first) > most:
            self.first.sort()
            del self.first[MOST_CHANGES:]
