"""The common parts of all files of the sender: their mode, and the error of a failed write."""

import errno
import os
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o600
"""The mode of files that hold messages, tokens or secrets: only their owner reads them."""


DATABASE_START = b"SQLite format 3\0"
"""The first bytes of a SQLite file, such as a spool."""


class StorageError(Exception):
    """Something could not be stored now, such as on a full disk; it may be tried again."""


def make_private(path: Path) -> None:
    """Make sure that a file is there and that only its owner can read it.

    Raises OSError, also for what is not a regular file: the mode of a device such as /dev/null is
    the mode for all programs.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE))
    if not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    with suppress(PermissionError):  # another user's file
        path.chmod(PRIVATE)


def is_database(path: Path) -> bool:
    """Whether a file is a SQLite database, such as a spool. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(DATABASE_START)) == DATABASE_START
