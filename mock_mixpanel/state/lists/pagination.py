"""Selects a part of a list."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar


class Listable(Protocol):
    """An item with an id and a time of arrival (virtual seconds)."""

    @property
    def id(self) -> int: ...

    @property
    def at(self) -> float: ...


L = TypeVar("L", bound=Listable)


@dataclass(frozen=True)
class Part:
    """The items after an id, after a time (virtual seconds) and before another id.

    Of that the last `limit` items.
    """

    after: int = 0
    moment: float | None = None
    limit: int | None = None
    before: int | None = None

    def of(self, found: Iterable[L]) -> Iterable[L]:
        """The part of a list."""
        if self.after:
            found = (each for each in found if each.id > self.after)
        if self.moment is not None:
            moment = self.moment
            found = (each for each in found if each.at > moment)
        if self.before is not None:
            before = self.before
            found = (each for each in found if each.id < before)
        return found if self.limit is None else deque(found, maxlen=self.limit)


ALL = Part()
