"""Keys in the order of their last change, so that a list of the latest needs no sort."""

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

SLACK = 1000
"""Outdated changes that are kept before they are removed, beside as many as there are keys."""
Key = TypeVar("Key", bound=Hashable)


class ChangeOrder(Generic[Key]):
    """Keys by the entry id of the last change of each. Each entry changes one key at most."""

    def __init__(self) -> None:
        self._keys: dict[int, Key] = {}
        """The key that each entry was the last to change."""
        self._ids: list[int] = []
        """Their entry ids in order, and outdated ones."""

    def __len__(self) -> int:
        return len(self._keys)

    def move(self, key: Key, before: int, now: int) -> None:
        """Set the last change of a key, which was `before`; 0 means that it is not in the order."""
        if before == now:
            return
        self._keys.pop(before, None)
        if not now:
            return
        self._keys[now] = key
        if self._ids and now < self._ids[-1]:
            insort(self._ids, now)
        else:
            self._ids.append(now)
        if len(self._ids) > 2 * len(self._keys) + SLACK:
            self._ids = sorted(self._keys)

    def backwards(self, before: int | None = None) -> Iterator[tuple[int, Key]]:
        """The keys that changed last before an entry id, the latest first, each with its change."""
        ids, end = self._ids, len(self._ids)
        if before is not None:
            end = bisect_left(ids, before)
        seen = 0
        for place in range(end - 1, -1, -1):
            number = ids[place]
            if number != seen and number in self._keys:
                seen = number
                yield number, self._keys[number]
