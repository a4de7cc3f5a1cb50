"""The file `head` of a folder store: it says which logs count and where they end.

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
_FIRST_SLOT = len(MAGIC) + _COUNT.size
SIZE = _FIRST_SLOT + 2 * _HEAD.size
"""Bytes of the file."""


class Head(NamedTuple):
    """Which logs count and where they end, and how the ids go on.

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
        """The head as the COUNTth one, with a checksum."""
        return _HEAD.pack(*self, crc32(repr((count, *self)).encode()))


def first_content() -> bytes:
    """The content of the file of a new store."""
    return MAGIC + bytes(_COUNT.size) + 2 * Head().packed(0)


def committed(content: mmap.mmap, folder: Path) -> Head:
    """The head that counts. Raises StoreError if it is damaged."""
    (count,) = _COUNT.unpack_from(content, len(MAGIC))
    place = _FIRST_SLOT + count % 2 * _HEAD.size
    head = Head._make(_HEAD.unpack_from(content, place)[:-1])
    if head.packed(count) != content[place : place + _HEAD.size]:
        raise StoreError(
            f"{folder}: the file head is damaged. The rows in the logs beside it were not"
            " changed. Restore head from a copy, or use another folder"
        )
    return head


def commit(content: mmap.mmap, head: Head) -> None:
    """Write the head beside the one that counts, and then count the new one."""
    (count,) = _COUNT.unpack_from(content, len(MAGIC))
    place = _FIRST_SLOT + (count + 1) % 2 * _HEAD.size
    content[place : place + _HEAD.size] = head.packed(count + 1)
    _COUNT.pack_into(content, len(MAGIC), count + 1)
