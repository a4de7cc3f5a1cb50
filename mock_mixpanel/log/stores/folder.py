"""The store in a folder: it outlives the process, and several workers share it at little cost.

The folder has a log of rows, `log-N`, a log of settings, `settings-N`, and the `head`, which says
which of them count and where they end. A new head takes effect with the last bytes written of it,
and bytes behind the end of a log do not count: a worker that is killed leaves nothing half done.
Readers and writers of the head hold a lock on it, which ends with its owner. As with SQLite, what
was acknowledged survives the end of the process, however sudden, but not a power cut.

Each frame of a log and the head have a checksum, so that damage by others is found.
"""

import fcntl
import mmap
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mock_mixpanel.log.row_codec import Packed, Row, has_token, without
from mock_mixpanel.log.stores import (
    PAGE,
    Changes,
    Page,
    StoreError,
    oldest_to_keep,
    reports_no_changes,
)
from mock_mixpanel.log.stores.answer_files import AnswerFiles
from mock_mixpanel.log.stores.folder_head import (
    MAGIC,
    SIZE,
    Head,
    HeadFile,
    first_content,
)
from mock_mixpanel.log.stores.log_file import LogFile, remove_older

SETTINGS_SLACK = 1024 * 1024
"""Bytes of outdated settings that are kept before their log is rewritten."""

_REMOVED = b"removed"
"""Body of the frame of a setting that was removed."""


class FolderStore:
    """Rows in a file; see `Store` for the methods. Opening raises StoreError."""

    def __init__(self, folder: Path, keep: int | None = None) -> None:
        self._folder, self._keep = folder, keep
        self._lock, self._depth = threading.RLock(), 0
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            names = {each.name for each in folder.iterdir()}
            if names and "head" not in names:  # which is what a store makes first
                raise StoreError(f"{folder} holds files of another program; use another folder")
            self._file = os.open(folder / "head", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            if os.fstat(self._file).st_size == 0:
                os.write(self._file, first_content())
            fcntl.flock(self._file, fcntl.LOCK_UN)
        except OSError as error:
            raise StoreError(f"{folder} cannot be opened: {error.strerror}") from error
        if os.pread(self._file, len(MAGIC), 0) != MAGIC or os.fstat(self._file).st_size != SIZE:
            os.close(self._file)
            raise StoreError(f"{folder} is not a store of this version; use another folder")
        self._head_file = HeadFile(mmap.mmap(self._file, SIZE), folder)
        self._head = self._head_file.read()
        self._log = self._opened("log", self._head.generation, self._head.first_entry)
        self._settings = self._opened("settings", self._head.settings_generation)
        self._answers = AnswerFiles(folder / "answers")

    def check(self) -> None:
        """Read both logs and compare all checksums. Raises StoreError for damaged rows."""
        with self._reading() as head:
            found = [
                *self._damages("log", head.generation, head.end),
                *self._damages("settings", head.settings_generation, head.settings_end),
            ]
        if found:
            places = "; ".join(found[:3]) + ("; ..." if len(found) > 3 else "")
            raise StoreError(
                f"{self._folder} is damaged: {places}. All other rows are intact, and nothing was"
                " changed. Restore the folder from a copy, or use another folder"
            )

    def settings(self, since: int) -> Changes:
        with self._reading() as head:
            if head.version == since:
                return Changes(since, {})
            log = self._current_settings(head)
            changed: dict[str, bytes | None] = {}
            while rows := log.rows_after(since, head.settings_end, PAGE):
                for row in rows:
                    changed.pop(row.token or "", None)
                    changed[row.token or ""] = None if row.body == _REMOVED else row.head
                since = rows[-1].id
            return Changes(head.version, changed)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._lock:
            if self._depth:
                yield
                return
            fcntl.flock(self._file, fcntl.LOCK_EX)
            before = self._head = self._head_file.read()
            self._depth = 1
            try:
                yield
                self._head_file.commit(self._head)
                self._remove(before)
            except BaseException:
                self._log = self._opened("log", before.generation, before.first_entry)
                self._settings = self._opened("settings", before.settings_generation)
                raise
            finally:
                self._depth = 0
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def put(self, name: str, value: bytes | None) -> None:
        head, version = self._head, self._head.version + 1
        row = Row(version, 0, name, value or b"", _REMOVED if value is None else b"")
        end = self._current_settings(head).write(row, head.settings_end)
        self._head = head._replace(version=version, settings_end=end)
        if end > 2 * head.settings_live + SETTINGS_SLACK:
            self._compact_settings()

    def append(self, packed: Packed, version: int | None = None) -> bool:
        with self._lock:
            if self._depth:
                return self._append(packed, version)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                self._head = self._head_file.read()
                done = self._append(packed, version)
                if done:
                    self._head_file.commit(self._head)
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
            first, after = self._head.first_entry, self._head.next_entry
            if oldest_to_keep(first, after, self._keep) is not None:
                # The row is stored; older rows that cannot be dropped now are dropped later.
                with suppress(OSError):
                    self._drop()
            return done

    def page(self, generation: int | None, after: int, most: int = PAGE) -> Page:
        with self._reading() as head:
            log = self._current(head)
        known = generation in (None, head.generation)
        found = log.rows_after(after if known else 0, head.end, most)
        return Page(head.generation, found, len(found) < most)

    def last(self) -> int:
        with self._reading() as head:
            return head.next_row - 1

    def rows(self, ids: Sequence[int], *, bodies: bool = True) -> Sequence[Row]:
        with self._reading() as head:
            log = self._current(head)
        return log.rows(ids, head.end)

    def forget(self, token: str | None) -> int:
        with self.exclusive():
            rows = () if token is None else self._others(token)
            self._replace(lambda log: log.write_all(rows))
            self._head = self._head._replace(version=self._head.version + 1)
            return self._head.generation

    def drop(self, entry: int) -> None:
        with self.exclusive():
            head, log = self._head, self._current(self._head)
            kept = log.first_kept(entry, head.end) if head.first_entry < entry else None
            if kept is None:
                return
            generation = head.generation + 1
            if 2 * kept.place < head.end and log.link(self._folder / f"log-{generation}"):
                self._log = self._opened("log", generation, kept.first)
                self._log.share(log, kept)
                self._head = head._replace(generation=generation, first_entry=kept.first)
            else:
                self._replace(lambda new: new.copy_from(log, kept, head.end))

    def remember(self, name: str, pages: Sequence[bytes]) -> None:
        with self.exclusive():
            self._answers.put(name, pages)

    def recall(self, name: str, page: int) -> bytes | None:
        with self._reading():
            return self._answers.get(name, page)

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], bool]:
        return reports_no_changes

    def close(self) -> None:
        self._head_file.close()
        os.close(self._file)

    def _append(self, packed: Packed, version: int | None) -> bool:
        """Append a row that is not committed yet."""
        now = self._head
        if version not in (None, now.version):
            return False
        token, size, head, body = packed
        row, entry = now.next_row, now.next_entry
        end = self._current(now).write(Row(row, entry, token, head, body), now.end)
        self._head = Head(now.version, now.generation, end, row + 1, entry + max(1, size), *now[5:])
        return True

    @contextmanager
    def _reading(self) -> Iterator[Head]:
        """The head, which stays as it is meanwhile."""
        with self._lock:
            if self._depth:
                yield self._head
                return
            fcntl.flock(self._file, fcntl.LOCK_SH)
            try:
                yield self._head_file.read()
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _current(self, head: Head) -> LogFile:
        """The log that counts."""
        if self._log.generation != head.generation:
            self._log = self._opened("log", head.generation, head.first_entry)
        return self._log

    def _current_settings(self, head: Head) -> LogFile:
        """The log of settings that counts."""
        if self._settings.generation != head.settings_generation:
            self._settings = self._opened("settings", head.settings_generation)
        return self._settings

    def _opened(self, name: str, generation: int, first: int = 0) -> LogFile:
        return LogFile(self._folder / f"{name}-{generation}", generation, first)

    def _damages(self, name: str, generation: int, end: int) -> Iterator[str]:
        for damage in self._opened(name, generation).damages(end):
            yield f"{name}-{generation} has no readable row in bytes {damage.start} to {damage.end}"

    def _compact_settings(self) -> None:
        """Rewrite the log of settings with the newest value of each."""
        before, log = self._head, self._current_settings(self._head)
        newest: dict[str, Row] = {}
        after = 0
        while rows := log.rows_after(after, before.settings_end, PAGE):
            newest |= {row.token or "": row for row in rows}
            after = rows[-1].id
        generation, end = before.settings_generation + 1, 0
        (self._folder / f"settings-{generation}").unlink(missing_ok=True)
        log = self._opened("settings", generation)
        for row in sorted(newest.values()):
            end = log.write(row, end)
        self._head = before._replace(
            settings_generation=generation, settings_end=end, settings_live=end
        )

    def _replace(self, fill: Callable[[LogFile], int]) -> None:
        """Replace the log by a new one. `fill` writes its rows and returns their end."""
        generation = self._head.generation + 1
        path = self._folder / f"log-{generation}"
        path.unlink(missing_ok=True)
        log = self._opened("log", generation)
        try:
            end = fill(log)
        except OSError:
            path.unlink()  # it may have taken the last of the disk
            raise
        rows = log.rows_after(0, end, 1)
        first = rows[0].first if rows else self._head.next_entry
        self._log = log
        self._head = self._head._replace(generation=generation, end=end, first_entry=first)

    def _kept(self) -> Iterator[Row]:
        """All rows, when exclusive."""
        log, after = self._current(self._head), 0
        while rows := log.rows_after(after, self._head.end, PAGE):
            yield from rows
            after = rows[-1].id

    def _others(self, token: str) -> Iterator[Row]:
        """All rows without the records of a project."""
        left = (without(row, token) if has_token(row, token) else row for row in self._kept())
        return filter(None, left)

    def _drop(self) -> None:
        """Drop the oldest rows if there are too many."""
        with self.exclusive():
            entry = oldest_to_keep(self._head.first_entry, self._head.next_entry, self._keep)
            if entry is not None:
                self.drop(entry)

    def _remove(self, before: Head) -> None:
        """Remove outdated files, also those that a killed process left."""
        if self._head.generation > before.generation:
            remove_older(self._folder, "log", self._head.generation)
        if self._head.settings_generation > before.settings_generation:
            remove_older(self._folder, "settings", self._head.settings_generation)
