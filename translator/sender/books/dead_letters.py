"""The file of dead letters: one JSON object a line, each with an id of its own and its reason.

Several processes may use one file: a gateway appends to it while `resend` takes it away. Each
append holds a lock on the file, and so does `claim`.
"""

import base64
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from translator.core.errors import TranslationError
from translator.core.operations import Json, Operation, Result
from translator.sender.books.storage import PRIVATE, StorageError
from translator.sender.queue.event_age import with_current_endpoint
from translator.sender.queue.payload_text import decode, encode

try:
    import fcntl
except ImportError:  # Windows: an open file cannot be renamed there
    fcntl = None  # type: ignore[assignment]

CONTENT = ("operation", "message", "message_base64", "unreadable")
"""The members that say what to send again; a dead letter has one of them."""


class DeadLetters:
    """The file at a path; without a path dead letters are not written.

    Raises OSError if the file cannot be opened or made.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            _check_writable(path)

    def append(self, lines: Sequence[bytes]) -> None:
        """Append lines; they are on disk when this returns.

        Raises StorageError, with the file as it was, if they cannot be written.
        """
        if self._path is None or not lines:
            return
        try:
            with _locked(self._path) as file:
                _append(file, b"".join(line + b"\n" for line in lines))
        except OSError as error:
            raise StorageError(f"cannot write dead letters to {self._path}: {error}") from error


def claim(path: Path, target: Path) -> None:
    """Rename the file, so that later dead letters go to a new one.

    Raises FileNotFoundError if there is no file.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    with _locked(path):
        path.rename(target)


def dead_letter(letter_id: str, now: float, loss: Json, content: Json) -> bytes:
    """The line of a dead letter.

    `now` is in seconds since 1970, `loss` has its status and reason, `content` what to send again.
    """
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    return encode({"id": letter_id, "at": at, **loss, **content})


def loss_of(line: bytes) -> Json:
    """The part of a dead letter for people: all but its id, time and content."""
    hidden = {"id", "at", *CONTENT}
    return {name: value for name, value in decode(line).items() if name not in hidden}


def of_operation(operation: Operation) -> Json:
    """The content of a dead letter for an operation."""
    return {"operation": operation._asdict()}


def of_unreadable(operation: Operation) -> Json:
    """The content of a dead letter for an operation that was damaged in the spool."""
    return {"unreadable": operation._asdict()}


def of_line(line: bytes) -> Json:
    """The content of a dead letter for a message that could not be translated: its exact text."""
    try:
        return {"message": line.decode()}
    except UnicodeDecodeError:
        return {"message_base64": base64.b64encode(line).decode()}


def of_read_line(line: bytes) -> Json:
    """The content of a line of the file; for a line that is not a dead letter, the line itself."""
    try:
        letter = decode(line)
        return {name: letter[name] for name in CONTENT if name in letter} or of_line(line)
    except (ValueError, TypeError, AttributeError):
        return of_line(line)


def read_line(line: bytes, translate_line: Callable[[bytes], Result], now_ms: float) -> Result:
    """The operations to send for a line of the file, `now_ms` milliseconds after 1970.

    Never raises: the result of a bad line has an error.
    """
    try:
        letter = decode(line)
        message_id = letter.get("messageId")
        if "unreadable" in letter:
            raise ValueError("it was damaged in the spool")
        if "operation" in letter:
            return Result(message_id, (with_current_endpoint(_operation(letter), now_ms),))
        if "message_base64" in letter:
            return translate_line(base64.b64decode(letter["message_base64"], validate=True))
        if "message" not in letter:
            raise ValueError("it has neither 'operation' nor 'message'")
        return translate_line(letter["message"].encode())
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        text = f"the line is not a dead letter that can be sent: {error!s:.200}"
        return Result(None, error=TranslationError("not_json", text).failure)


def has_dead_letter(lines: Iterable[bytes]) -> bool:
    """Whether one of these lines is a dead letter; also true if there are no lines."""
    line = None
    for line in lines:
        try:
            if not decode(line).keys().isdisjoint(CONTENT):
                return True
        except (ValueError, AttributeError):
            continue
    return line is None


def unique(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of the file without repetitions.

    After a crash a dead letter may have been appended twice: with the same id and the same text.
    """
    seen: set[bytes] = set()
    for line in lines:
        try:
            has_id = isinstance(decode(line).get("id"), str)
        except (ValueError, AttributeError):
            has_id = False
        if has_id:
            digest = hashlib.blake2b(line.strip(), digest_size=16).digest()
            if digest in seen:
                continue
            seen.add(digest)
        yield line


def _operation(letter: Any) -> Operation:
    operation = Operation(**letter["operation"])
    if not isinstance(operation.payload, dict):
        raise TypeError("the payload is not an object")
    if not (isinstance(operation.endpoint, str) and isinstance(operation.host, str)):
        raise TypeError("endpoint and host must be text")
    return operation


def _check_writable(path: Path) -> None:
    """Raise OSError unless the file can be written; a new empty file is not left behind."""
    existed = path.exists()
    with _locked(path) as file:
        if not existed and not os.fstat(file).st_size:
            path.unlink()


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, open for appending and locked until the block ends."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, PRIVATE)
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            if _is_at(file, path):
                if _is_regular(file):
                    with suppress(PermissionError):  # another user's file
                        os.fchmod(file, PRIVATE)
                yield file
                return
            # It was renamed by `claim` while we waited for the lock: take the new file.
        finally:
            os.close(file)


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _is_regular(file: int) -> bool:
    """Whether it is a file on a disk: a terminal or a pipe has no mode and no size."""
    return stat.S_ISREG(os.fstat(file).st_mode)


def _append(file: int, data: bytes) -> None:
    """Append whole lines, or nothing."""
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        data = b"\n" + data  # the last line was cut: this line must not continue it
    try:
        while data:
            data = data[os.write(file, data) :]
        if _is_regular(file):
            os.fsync(file)
    except OSError:
        if _is_regular(file):
            os.ftruncate(file, size)
        raise
