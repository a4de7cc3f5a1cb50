"""What all workers agree on: one small JSON document in the store.

It has a member for each of clock, projects, faults and rates. A worker keeps the last one it saw,
so reading costs nothing; `refresh` looks whether another worker changed it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from mock_mixpanel.log.row_codec import dump, load
from mock_mixpanel.log.stores import Store

T = TypeVar("T")


class _Seen(NamedTuple):
    version: int
    parts: dict[str, Any]
    views: dict[str, Any]
    """What was made of a part; lost when that part changes."""
    memo: dict[Any, Any]
    """What was made of several; lost when anything changes."""


class Shared:
    """The document. All of it may be called from several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen = _Seen(0, {}, {}, {})
        self.refresh()

    @property
    def version(self) -> int:
        """Of the document last seen."""
        return self._seen.version

    @property
    def memo(self) -> dict[Any, Any]:
        """For what depends on this version of the document alone; whoever fills it bounds it."""
        return self._seen.memo

    def refresh(self) -> None:
        """See the document as it is now."""
        version, document = self._store.state()
        before = self._seen
        if version != before.version:
            parts = load(document)
            same = {k: v for k, v in before.views.items() if parts.get(k) == before.parts.get(k)}
            self._seen = _Seen(version, parts, same, {})

    def view(self, name: str, make: Callable[[Any], T]) -> T:
        """What `make` makes of a part (None if it is not there), as last seen."""
        seen = self._seen
        if name not in seen.views:
            seen.views[name] = make(seen.parts.get(name))
        found: T = seen.views[name]
        return found

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """See the document as it is now; nobody else changes it or appends anything meanwhile."""
        with self._store.exclusive():
            self.refresh()
            yield

    @contextmanager
    def changing(self, name: str) -> Iterator[dict[str, Any]]:
        """A part to be changed in place; nothing is, if an error leaves the block."""
        with self.exclusive():
            before = self._seen.parts.get(name, {})
            part = load(dump(before))
            yield part
            if part != before:
                self._store.put(dump(self._seen.parts | {name: part}))
                self.refresh()
