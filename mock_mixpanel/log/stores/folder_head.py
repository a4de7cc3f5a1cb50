"""The file `head` of a folder store: it names the current logs and their ends.

The file has two slots for heads and a count. A new head is written into the unused slot, and takes
effect when the count, the last bytes, is written. The functions need the lock on the file.
"""

import mmap
import struct
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from mock_mixpanel.log.stores import StoreError

MAGIC = b"mock-mixpanel 2\n"
"""First bytes of a head; a store of another format cannot be read."""

_COUNT, _HEAD = struct.Struct("<Q"), struct.Struct("<QQQQQQQQQI")
_COUNT_PLACE = len(MAGIC)
_FIRST_SLOT = _COUNT_PLACE + _COUNT.size
SIZE = _FIRST_SLOT + 2 * _HEAD.size
"""Bytes of the file."""


class Head(NamedTuple):
    """The current logs with their ends, and the next ids.

    `first_entry` is the id of the oldest entry that is kept; `settings_live` is where the log of
    settings ended when it was last rewritten.
    """

    version: int = 1
    generation: int = 1
    end: int = 0
    next_row: int = 1
    next_entry: int = 1
    first_entry: int = 1
    settings_generation: int = 1
    settings_end: int = 0
    settings_live: int = 0

    def packed(self, count: int) -> bytes:
        """The bytes of the head as number `count`, with a checksum."""
        return _HEAD.pack(*self, crc32(_CHECKED % (count, *self)))


_CHECKED = b"(%s)" % b", ".join([b"%d"] * (1 + len(Head._fields)))
"""The text of which the checksum is made: the count and the fields of a head."""


def first_content() -> bytes:
    """The content of the file of a new store."""
    return MAGIC + bytes(_COUNT.size) + 2 * Head().packed(0)


class HeadFile:
    """The file of a store in `folder`, mapped into memory. The caller holds the lock on it."""

    def __init__(self, content: mmap.mmap, folder: Path) -> None:
        self._content, self._folder = content, folder
        self._known, self._count, self._head = b"", 0, Head()
        """The bytes of the file when it was last read or written, and what they mean."""

    def read(self) -> Head:
        """The current head. Raises StoreError if it is damaged."""
        content = self._content[_COUNT_PLACE:]
        if content != self._known:  # Another process wrote it.
            (count,) = _COUNT.unpack_from(content)
            slot = _slot(count) - _COUNT_PLACE
            head = Head._make(_HEAD.unpack_from(content, slot)[:-1])
            if head.packed(count) != content[slot : slot + _HEAD.size]:
                raise StoreError(
                    f"{self._folder}: the file head is damaged. The rows in the logs beside it were"
                    " not changed. Restore head from a copy, or use another folder"
                )
            self._known, self._count, self._head = content, count, head
        return self._head

    def commit(self, head: Head) -> None:
        """Write a head beside the current one, and then make it the current one.

        Call `read` before, under the same lock.
        """
        content, count = self._content, self._count + 1
        slot = _slot(count)
        content[slot : slot + _HEAD.size] = head.packed(count)
        _COUNT.pack_into(content, _COUNT_PLACE, count)
        self._known, self._count, self._head = content[_COUNT_PLACE:], count, head

    def close(self) -> None:
        """Unmap the file."""
        self._content.close()


def _slot(count: int) -> int:
    """The place in the file of head number `count`; two places are used in turn."""
    return _FIRST_SLOT + count % 2 * _HEAD.size
