"""The number of records with each reason."""

from dataclasses import dataclass, field

EXAMPLES = 3
"""Records of each reason that are remembered as examples."""


@dataclass(slots=True)
class ReasonCount:
    """The count of a reason, with the entry ids of its first, its last and some other records."""

    count: int = 0
    first: int = 0
    last: int = 0
    examples: list[int] = field(default_factory=list)

    @property
    def shown(self) -> set[int]:
        """The entry ids of all records that are named."""
        return {self.first, self.last, *self.examples}

    def add(self, number: int) -> None:
        """Count a record, by its entry id, in any order."""
        self.count += 1
        self.first = min(self.first or number, number)
        self.last = max(self.last, number)
        if len(self.examples) < EXAMPLES:
            self.examples.append(number)

    def join(self, other: "ReasonCount") -> None:
        """Count the records of another count as well."""
        self.count += other.count
        self.first = min(filter(None, (self.first, other.first)), default=0)
        self.last = max(self.last, other.last)
        self.examples = sorted({*self.examples, *other.examples})[:EXAMPLES]
