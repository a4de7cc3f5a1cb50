"""Where the log is kept, and the settings that all workers share.

A store keeps rows (see packing.py) in the order in which they were appended, and one small document
(see shared.py). It is the only thing that several workers have in common: they agree because each
append can demand that the document is still the one it was decided under.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from mock_mixpanel.log.row_codec import Packed, Row

PAGE = 1000
"""How many rows are read at once."""


KEPT_ANSWERS = 100
KEPT_BYTES = 128 * 1024 * 1024
"""How much of `Store.remember` is kept at most; the newest is, whatever its size."""


class StoreError(Exception):
    """A store that cannot be opened; the message says why, and what to do."""


class State(NamedTuple):
    """The document; each change of it, and each forgetting, gives another `version`."""

    version: int
    document: bytes


class Page(NamedTuple):
    """The next rows; another `generation` means that older ones were forgotten."""

    generation: int
    rows: Sequence[Row]

    @property
    def last(self) -> bool:
        """Whether there are no more rows at this moment."""
        return len(self.rows) < PAGE


def answers_to_drop(sizes: Mapping[str, int]) -> list[str]:
    """The names of the answers that are too many or too large, of all by size, newest first."""
    total, dropped = 0, []
    for number, (name, size) in enumerate(sizes.items()):
        total += size
        if number and (number >= KEPT_ANSWERS or total > KEPT_BYTES):
            dropped.append(name)
    return dropped


class Store(Protocol):
    """What there is of each store. All of it may be called from several threads."""

    def state(self) -> State:
        """The document as it is now."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Nobody else changes or appends anything meanwhile; may be nested."""

    def put(self, document: bytes) -> None:
        """Replace the document; only when exclusive."""

    def append(self, packed: Packed, version: int | None = None) -> bool:
        """Append a row; False, and nothing is done, if the version is another one by now.

        When this returns, the row outlives the process, if the store is one that lasts at all.
        """

    def page(self, generation: int | None, after: int) -> Page:
        """The next rows after a row id; the first ones if this is not the generation any more."""

    def rows(self, ids: Sequence[int]) -> Sequence[Row]:
        """These rows, as far as they are still there."""

    def forget(self, token: str | None) -> None:
        """Everything, or the records of one project and the requests that had no others."""

    def remember(self, name: str, pages: Sequence[bytes]) -> None:
        """Keep the pages of an answer, in place of the oldest ones if it gets too much."""

    def recall(self, name: str, page: int) -> bytes | None:
        """A page of an answer; None if it is not kept, or there is none."""

    def close(self) -> None:
        """Let go of files and connections."""


def oldest_to_keep(first: int, after: int, keep: int | None) -> int | None:
    """The entry id before which rows are dropped, if there are more than `keep` records.

    The log has the entries from `first` to before `after`. A tenth goes at once: all state is
    computed anew from what is left, and that should be rare. Requests go whole; the newest stays.
    """
    if keep is None or after - first <= keep:
        return None
    return after - keep + keep // 10


def open_store(url: str, keep: int | None = None) -> Store:
    """The store at a URL: `memory:`, `folder:path`, `sqlite:///file`, or another of SQLAlchemy.

    `keep` is how many records are kept; a request without records counts as one. Raises StoreError.
    """
    if url == "memory:":
        from mock_mixpanel.log.stores.memory import MemoryStore

        return MemoryStore(keep)
    if url.startswith("folder:"):
        try:
            from mock_mixpanel.log.stores.folder import FolderStore
        except ModuleNotFoundError as error:
            raise StoreError("this system has no locks for folders; use sqlite:///file") from error
        path = url.removeprefix("folder:")
        if not path:
            raise StoreError("folder: needs a path, as in folder:mock")
        return FolderStore(Path(path), keep)
    from mock_mixpanel.log.stores.sql import SqlStore

    return SqlStore(url, keep)
