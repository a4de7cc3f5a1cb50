"""The file of what could not be delivered: one JSON object a line, each with its reason.

It is written and on disk before anything else forgets the operation. The command `resend` reads it.
"""

import base64
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import orjson

from translator.core.errors import TranslationError
from translator.core.operations import Json, Operation, Result
from translator.sender.dispatch.batch_safety import with_current_endpoint
from translator.sender.dispatch.batching import encode


class DeadLetters:
    """The file at a path, opened when there is something to write; without a path, nowhere."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def write(self, letters: Iterable[Json], now: float) -> None:
        """Append letters, on disk when this returns; `now` is in seconds since 1970."""
        if self._path is None:
            return
        at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
        lines = b"".join(encode({"at": at, **letter}) + b"\n" for letter in letters)
        if not lines:
            return
        if self._file is None:
            self._file = self._path.open("ab")
        self._file.write(lines)
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def of_operation(operation: Operation) -> Json:
    """The member of a dead letter that an operation is sent again from."""
    return {"operation": operation._asdict()}


def of_line(line: bytes) -> Json:
    """The member of a dead letter that a message is translated again from, letter by letter."""
    try:
        return {"message": line.decode()}
    except UnicodeDecodeError:
        return {"message_base64": base64.b64encode(line).decode()}


def of_read_line(line: bytes) -> Json:
    """The member of a dead letter for what a line of the file asked for; the line itself, if that
    is no dead letter."""
    try:
        letter = orjson.loads(line)
        names = ("operation", "message", "message_base64")
        return {name: letter[name] for name in names if name in letter} or of_line(line)
    except (ValueError, TypeError, AttributeError):
        return of_line(line)


def read_line(line: bytes, translate_line: Any, now_ms: float) -> Result:
    """What a line of the file asks to be sent, `now_ms` milliseconds after 1970.

    Never raises: a bad line has an error.
    """
    try:
        letter = orjson.loads(line)
        message_id = letter.get("messageId")
        if "operation" in letter:
            operation = Operation(**letter["operation"])
            if not isinstance(operation.payload, dict):
                raise TypeError("the payload is no object")
            if not (isinstance(operation.endpoint, str) and isinstance(operation.host, str)):
                raise TypeError("endpoint and host are no texts")
            return Result(message_id, (with_current_endpoint(operation, now_ms),))
        if "message_base64" in letter:
            result = translate_line(base64.b64decode(letter["message_base64"]))
        else:
            result = translate_line(letter["message"].encode())
        return result if isinstance(result, Result) else Result(message_id)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        text = f"the line is no dead letter: {error!r:.200}"
        return Result(None, error=TranslationError("not_json", text).failure)


def unique(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of the file, each dead letter once: after a crash one may stand there twice."""
    seen: set[str] = set()
    for line in lines:
        try:
            found = orjson.loads(line).get("id")
        except (ValueError, AttributeError):
            found = None
        if found is not None and found in seen:
            continue
        if isinstance(found, str):
            seen.add(found)
        yield line
