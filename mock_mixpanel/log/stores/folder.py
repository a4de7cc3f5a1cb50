"""The store in a folder: it outlives the process, and several workers share it at little cost.

There are a log of rows, `log-N`, a document, `document-N`, and the `head`, which says which of them
count and where the log ends. A new head takes effect by the last bytes that are written of it, and
what it does not tell of has not happened: a worker that is killed leaves nothing half done. Whoever
reads or writes the head has a lock on it, which ends with its owner. As with SQLite, what was
acknowledged survives the end of the process, however sudden, but not a power cut.
"""

import fcntl
import hashlib
import mmap
import os
import struct
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from typing import NamedTuple

from mock_mixpanel.log.row_codec import Packed, Row, has_token, without
from mock_mixpanel.log.stores import PAGE, Page, State, StoreError, answers_to_drop, oldest_to_keep
from mock_mixpanel.log.stores.log_file import LogFile

MAGIC = b"mock-mixpanel 1\n"
"""What a head begins with; a store of another format cannot be read."""

CHECK_EVERY = 64
"""After how many appended rows to look whether there are too many."""

_COUNT, _HEAD = struct.Struct("<Q"), struct.Struct("<QQQQQQ")
_FIRST_SLOT = len(MAGIC) + _COUNT.size
_SIZE = _FIRST_SLOT + 2 * _HEAD.size


class Head(NamedTuple):
    """What counts: the document, the log, where that ends, and how its ids go on.

    `first_entry` is the id of the oldest entry that is kept.
    """

    version: int = 1
    generation: int = 1
    end: int = 0
    next_row: int = 1
    next_entry: int = 1
    first_entry: int = 1


class FolderStore:
    """Rows in a file; see `Store` for the methods. Opening raises StoreError."""

    def __init__(self, folder: Path, keep: int | None = None) -> None:
        self._folder, self._keep = folder, keep
        self._lock = threading.RLock()
        self._depth = 0
        self._appended = 0
        try:
            folder.mkdir(exist_ok=True)
            names = {each.name for each in folder.iterdir()}
            if names and "head" not in names:  # which is what a store makes first
                raise StoreError(f"{folder} has files that are no store's; use another")
            self._file = os.open(folder / "head", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            if os.fstat(self._file).st_size == 0:
                (folder / "document-1").write_bytes(b"{}")
                os.write(self._file, MAGIC + bytes(_COUNT.size) + 2 * _HEAD.pack(*Head()))
            fcntl.flock(self._file, fcntl.LOCK_UN)
        except OSError as error:
            raise StoreError(f"{folder} cannot be opened: {error.strerror}") from error
        if os.pread(self._file, len(MAGIC), 0) != MAGIC or os.fstat(self._file).st_size != _SIZE:
            os.close(self._file)
            raise StoreError(f"{folder} is no store of this version; use another")
        self._map = mmap.mmap(self._file, _SIZE)
        self._head = self._committed()
        self._log = self._opened(self._head.generation)
        self._answers = Answers(folder / "answers")

    def state(self) -> State:
        with self._reading() as head:
            return State(head.version, self._document(head.version).read_bytes())

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._lock:
            if self._depth:
                yield
                return
            fcntl.flock(self._file, fcntl.LOCK_EX)
            before = self._head = self._committed()
            self._depth = 1
            try:
                yield
                self._commit(self._head)
                self._remove(before)
            except BaseException:
                self._log = self._opened(before.generation)
                raise
            finally:
                self._depth = 0
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def put(self, document: bytes) -> None:
        version = self._head.version + 1
        self._document(version).write_bytes(document)
        self._head = self._head._replace(version=version)

    def append(self, packed: Packed, version: int | None = None) -> bool:
        with self._lock:
            if self._depth:
                return self._append(packed, version)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                self._head = self._committed()
                done = self._append(packed, version)
                if done:
                    self._commit(self._head)
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
            self._appended += 1
            if self._keep is not None and self._appended % CHECK_EVERY == 0:
                # The row is stored, so that is said; what cannot be dropped now is dropped later.
                with suppress(OSError):
                    self._drop(self._keep)
            return done

    def page(self, generation: int | None, after: int) -> Page:
        with self._reading() as head:
            log = self._current(head)
        known = generation in (None, head.generation)
        return Page(head.generation, log.rows_after(after if known else 0, head.end, PAGE))

    def rows(self, ids: Sequence[int]) -> Sequence[Row]:
        with self._reading() as head:
            log = self._current(head)
        return log.rows(ids, head.end)

    def forget(self, token: str | None) -> None:
        with self.exclusive():
            self._rewrite(() if token is None else self._others(token))
            self.put(self._document(self._head.version).read_bytes())

    def remember(self, name: str, pages: Sequence[bytes]) -> None:
        with self.exclusive():
            self._answers.put(name, pages)

    def recall(self, name: str, page: int) -> bytes | None:
        with self._reading():
            return self._answers.get(name, page)

    def close(self) -> None:
        self._map.close()
        os.close(self._file)

    def _append(self, packed: Packed, version: int | None) -> bool:
        """Append a row that is not committed yet."""
        now, generation, end, row, entry, first = self._head
        if version not in (None, now):
            return False
        token, size, head, body = packed
        end = self._current(self._head).write(Row(row, entry, token, head, body), end)
        self._head = Head(now, generation, end, row + 1, entry + max(1, size), first)
        return True

    def _committed(self) -> Head:
        """The head that counts; whoever asks has the lock."""
        (count,) = _COUNT.unpack_from(self._map, len(MAGIC))
        return Head._make(_HEAD.unpack_from(self._map, _FIRST_SLOT + count % 2 * _HEAD.size))

    def _commit(self, head: Head) -> None:
        """Write the head beside the one that counts, and then that it counts instead."""
        (count,) = _COUNT.unpack_from(self._map, len(MAGIC))
        _HEAD.pack_into(self._map, _FIRST_SLOT + (count + 1) % 2 * _HEAD.size, *head)
        _COUNT.pack_into(self._map, len(MAGIC), count + 1)

    @contextmanager
    def _reading(self) -> Iterator[Head]:
        """The head, which stays as it is meanwhile."""
        with self._lock:
            if self._depth:
                yield self._head
                return
            fcntl.flock(self._file, fcntl.LOCK_SH)
            try:
                yield self._committed()
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _current(self, head: Head) -> LogFile:
        """The log that counts."""
        if self._log.generation != head.generation:
            self._log = self._opened(head.generation)
        return self._log

    def _opened(self, generation: int) -> LogFile:
        return LogFile(self._folder / f"log-{generation}", generation)

    def _document(self, version: int) -> Path:
        return self._folder / f"document-{version}"

    def _rewrite(self, rows: Iterable[Row]) -> None:
        """Have only these rows from now on."""
        generation, end, first = self._head.generation + 1, 0, 0
        path = self._folder / f"log-{generation}"
        path.unlink(missing_ok=True)
        log = self._opened(generation)
        try:
            for row in rows:
                first = first or row.first
                end = log.write(row, end)
        except OSError:
            path.unlink()  # it may have taken the last of the disk
            raise
        self._head = self._head._replace(
            generation=generation, end=end, first_entry=first or self._head.next_entry
        )

    def _kept(self) -> Iterator[Row]:
        """All rows, when exclusive."""
        log, after = self._current(self._head), 0
        while rows := log.rows_after(after, self._head.end, PAGE):
            yield from rows
            after = rows[-1].id

    def _others(self, token: str) -> Iterator[Row]:
        """All rows without the records of a project."""
        for row in self._kept():
            left = without(row, token) if has_token(row, token) else row
            if left:
                yield left

    def _drop(self, keep: int) -> None:
        """Drop the oldest rows if there are too many."""
        with self.exclusive():
            head = self._head
            drop = oldest_to_keep(head.first_entry, head.next_entry, keep)
            if drop is not None:
                newest = head.next_row - 1
                self._rewrite(row for row in self._kept() if row.first >= drop or row.id == newest)

    def _remove(self, before: Head) -> None:
        """Remove the files that do not count any more."""
        for version in range(before.version, self._head.version):
            self._document(version).unlink(missing_ok=True)
        for generation in range(before.generation, self._head.generation):
            (self._folder / f"log-{generation}").unlink(missing_ok=True)


class Answers:
    """A folder for each answer, with a file for each page; the newest has the highest number."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def put(self, name: str, pages: Sequence[bytes]) -> None:
        """Keep an answer in place of older ones."""
        there = self._by_age()
        number = int(there[0].name.partition("-")[0]) + 1 if there else 1
        key = _key(name)
        new = self._folder / f"{number}-{key}"
        new.mkdir()
        for page, value in enumerate(pages):
            (new / str(page)).write_bytes(value)
        sizes = {each.name: _size(each) for each in self._by_age()}
        same = (each.name for each in there if each.name.endswith(key))
        for old in {*answers_to_drop(sizes), *same}:
            rmtree(self._folder / old)

    def get(self, name: str, page: int) -> bytes | None:
        """A page of an answer, if it is kept."""
        key = _key(name)
        files = (each / str(page) for each in self._by_age() if each.name.endswith(key))
        return next((file.read_bytes() for file in files if file.exists()), None)

    def _by_age(self) -> list[Path]:
        """The newest first."""
        return sorted(self._folder.iterdir(), key=lambda each: -int(each.name.partition("-")[0]))


def _key(name: str) -> str:
    """A name of a file for any name."""
    return hashlib.sha256(name.encode()).hexdigest()


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())
