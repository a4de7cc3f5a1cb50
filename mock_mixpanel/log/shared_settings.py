"""The settings that all workers agree on: named JSON values in the store.

There is one value for each of clock, faults and rate limits, and one for each project. A worker
keeps the values it saw last, so reading costs nothing; `refresh` fetches what others changed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from mock_mixpanel.log.row_codec import dump, load
from mock_mixpanel.log.stores import Store, StoreError

MOST_CHANGES = 1000
"""Changes after which all settings are fetched again."""
T = TypeVar("T")


class _Seen(NamedTuple):
    version: int
    parts: dict[str, Any]
    views: dict[str, Any]
    """Values computed from one part; dropped when that part changes."""
    memo: dict[Any, Any]
    """Values computed from several parts; dropped when anything changes."""


class SharedSettings:
    """The named values. All methods may be called from several threads. Raises StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen = _Seen(0, {}, {}, {})
        self.refresh()

    @property
    def version(self) -> int:
        """The version of the settings seen last."""
        return self._seen.version

    @property
    def memo(self) -> dict[Any, Any]:
        """A cache that is emptied when any setting changes; its users bound its size."""
        return self._seen.memo

    def refresh(self) -> None:
        """Fetch the changes of other workers."""
        before = self._seen
        version, changed = self._store.settings(before.version)
        if version == before.version:
            return
        if not 0 < version - before.version <= MOST_CHANGES:
            # Others may have emptied the store, or restored it from a copy.
            before = _Seen(0, {}, {}, {})
            version, changed = self._store.settings(0)
        parts, views = before.parts, before.views
        if changed:
            parts, views = parts.copy(), views.copy()
            for name, value in changed.items():
                views.pop(name, None)
                if value is None:
                    parts.pop(name, None)
                else:
                    parts[name] = _loaded(name, value)
        self._seen = _Seen(version, parts, views, {})

    def names(self, prefix: str) -> list[str]:
        """The names of all settings that begin with a prefix, oldest first."""
        return [name for name in self._seen.parts if name.startswith(prefix)]

    def has(self, name: str) -> bool:
        """Whether a setting is set."""
        return name in self._seen.parts

    def view(self, name: str, make: Callable[[Any], T]) -> T:
        """The value that `make` computes from a setting (None if it is not set), cached until it
        changes."""
        seen = self._seen
        if name not in seen.views:
            seen.views[name] = make(seen.parts.get(name))
        found: T = seen.views[name]
        return found

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Fetch the settings and keep all others from changing or appending anything.

        After an error, which undoes the changes, the settings are those from before.
        """
        before = self._seen
        try:
            with self._store.exclusive():
                self.refresh()
                yield
        except BaseException:
            self._seen = before
            raise

    @contextmanager
    def changing(self, name: str) -> Iterator[dict[str, Any]]:
        """A setting to change in place; an error that leaves the block changes nothing."""
        with self.exclusive():
            before = self._seen.parts.get(name, {})
            part = load(dump(before))
            yield part
            if part != before:
                self._store.put(name, dump(part))
                self.refresh()

    def remove(self, names: Sequence[str]) -> None:
        """Remove those of these settings that are set."""
        with self.exclusive():
            for name in filter(self.has, names):
                self._store.put(name, None)
            self.refresh()


def _loaded(name: str, value: bytes) -> Any:
    try:
        return load(value)
    except ValueError as error:
        raise StoreError(f"the setting {name!r} in the store is not JSON: {error}") from error
