"""Stores keep the log, and the settings that all workers share.

A store keeps rows (see row_codec.py) in the order in which they were appended, and named settings
(see shared_settings.py). It is the only thing that several workers have in common: they agree
because each append can demand that the settings are still those it was decided under.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from mock_mixpanel.log.row_codec import Packed, Row

PAGE = 1000
"""Number of rows that are read at once."""


KEPT_ANSWERS = 100
KEPT_BYTES = 128 * 1024 * 1024
"""The limits of `Store.remember`, in answers and bytes. The newest answer is always kept."""


class StoreError(Exception):
    """The store cannot be opened or read; the message says why, and what to do."""


class StoreUnavailableError(StoreError):
    """The store does not work now, and nothing was stored; try again later."""


class Changes(NamedTuple):
    """The settings that changed since some version: name -> value, None if it was removed.

    Each change of a setting, and each forgetting of rows, gives another `version`.
    """

    version: int
    values: Mapping[str, bytes | None]


class Page(NamedTuple):
    """The next rows; another `generation` means that older ones were forgotten.

    `last` says that there are no more rows at this moment.
    """

    generation: int
    rows: Sequence[Row]
    last: bool


def answers_to_drop(sizes: Mapping[str, int]) -> list[str]:
    """The names of the answers that are too many or too large, of all by size, newest first."""
    total, dropped = 0, []
    for number, (name, size) in enumerate(sizes.items()):
        total += size
        if number and (number >= KEPT_ANSWERS or total > KEPT_BYTES):
            dropped.append(name)
    return dropped


class Store(Protocol):
    """The methods of each store. All of them may be called from several threads.

    A method raises StoreUnavailableError while a database does not work, and StoreError for what
    it cannot read.
    """

    def settings(self, since: int) -> Changes:
        """The settings that changed after a version; 0 gives all of them."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep all others from changing or appending anything; may be nested."""

    def put(self, name: str, value: bytes | None) -> None:
        """Set a setting, or remove it with None; only within `exclusive`."""

    def append(self, packed: Packed, version: int | None = None) -> bool:
        """Append a row; return False and do nothing if the settings have another version by now.

        When this returns, the row outlives the process, except in the memory store.
        """

    def page(self, generation: int | None, after: int, most: int = PAGE) -> Page:
        """The next rows after a row id, `most` of them; the first if the generation has changed."""

    def last(self) -> int:
        """The id of the last appended row, forgotten rows included; 0 for an empty store."""

    def rows(self, ids: Sequence[int], *, bodies: bool = True) -> Sequence[Row]:
        """The rows with these ids, without those that were forgotten.

        Without `bodies` they may be empty, which saves a database most of the work.
        """

    def forget(self, token: str | None) -> int:
        """Forget all rows, or the records of one project and the requests that had no others.

        Returns the generation that this begins, which is the next number.
        """

    def drop(self, entry: int) -> None:
        """Drop the rows whose first entry is before an entry id, but never the newest row."""

    def remember(self, name: str, pages: Sequence[bytes]) -> None:
        """Keep the pages of an answer, in place of the oldest ones if it gets too much."""

    def recall(self, name: str, page: int) -> bytes | None:
        """A page of an answer; None if it is not kept or does not exist."""

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], bool]:
        """Call `changed` from a thread after each change by anybody, until the store is closed.

        The result is a function that says whether this works now; if not, ask for changes. Only
        databases that can report changes do.
        """

    def close(self) -> None:
        """Close files and connections."""


def reports_no_changes() -> bool:
    """False: this store does not report changes."""
    return False


def oldest_to_keep(first: int, after: int, keep: int | None) -> int | None:
    """The entry id before which rows are dropped, if there are more than `keep` records.

    The log has the entries from `first` to before `after`. A tenth of `keep` is dropped at once,
    because all state is then computed again. Requests are dropped whole; the newest always stays.
    """
    if keep is None or after - first <= keep:
        return None
    return after - keep + keep // 10


def open_store(url: str, keep: int | None = None, *, check: bool = True) -> Store:
    """The store at a URL: `memory:`, `folder:path`, `sqlite:///file` or `postgresql://...`.

    `keep` is the largest number of records to keep; a request without records counts as one.
    `check` reads a folder or an SQLite file once and compares all checksums. Raises StoreError, for
    a damaged store too.
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
        if Path(path).is_file():
            raise StoreError(f"{path} is a file; the store folder: needs a folder")
        folder = FolderStore(Path(path), keep)
        if check:
            folder.check()
        return folder
    from mock_mixpanel.log.stores.sql.store import SqlStore

    database = SqlStore(url, keep)
    if check:
        database.check()
    return database
