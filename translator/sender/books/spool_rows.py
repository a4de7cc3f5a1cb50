"""The content of the spool's tables, and how a row is written and read.

An operation's row has a checksum. A row that was damaged on disk is recognized by it and reported;
it stops no other row.
"""

import json
import zlib
from functools import lru_cache
from typing import Any, NamedTuple

from translator.core.operations import Operation
from translator.sender.books.message_status import MessageStatus
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.queue.payload_text import decode, encode
from translator.sender.queue.queued_operation import QueuedOperation

VERSION = "2"

SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    line INTEGER NOT NULL,
    message_id BLOB NOT NULL,
    left INTEGER NOT NULL,
    fate TEXT NOT NULL,
    settled_at REAL,
    settled_run INTEGER
);
CREATE TABLE IF NOT EXISTS operations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    host TEXT NOT NULL,
    ordering_keys TEXT NOT NULL,
    payload BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    started INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS dead_letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    line BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS settled ON messages (settled_at) WHERE settled_at IS NOT NULL;
"""

MESSAGE_COLUMNS = "number, key, line, message_id, left, fate, settled_at, settled_run"
OPERATION_COLUMNS = "number, message, endpoint, host, ordering_keys, payload, checksum, started"
UNKNOWN_LINE = 0
"""The line of a message whose own row is lost."""


class StoredOperation(NamedTuple):
    """An operation in the spool.

    `started`: a request with it was under way when the process ended. `problem` says why the row
    cannot be read; then `operation` holds what is left of it.
    """

    number: int
    status: MessageStatus
    operation: Operation
    ordering_keys: tuple[str, ...]
    started: bool
    problem: str | None = None


def checksum(endpoint: Any, host: Any, ordering_keys: Any, payload: Any) -> int:
    """The CRC-32 of the columns of an operation's row."""
    return zlib.crc32(_bytes(payload), _checksum_of_start(endpoint, host, ordering_keys))


@lru_cache(10_000, typed=True)
def _checksum_of_start(*parts: Any) -> int:
    return zlib.crc32(b"".join(_bytes(part) + b"\0" for part in parts))


def _bytes(part: Any) -> bytes:
    return part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")


@lru_cache(1000)
def keys_text(ordering_keys: tuple[str, ...]) -> str:
    """Ordering keys as JSON text."""
    return json.dumps(ordering_keys)


def status_row(status: MessageStatus) -> tuple[Any, ...]:
    """The columns of a message's row, without those that say when it was settled."""
    message_id = encode(status.message_id)
    return (status.number, status.key, status.line, message_id, status.left, status.worst)


def operation_row(queued: QueuedOperation) -> tuple[Any, ...]:
    """The columns of an operation's row after both numbers, with their checksum."""
    content = (queued.endpoint, queued.host, keys_text(queued.ordering_keys), queued.text)
    return (*content, checksum(*content))


def read_status(
    number: int, key: Any, line: Any, message_id: Any, left: Any, fate: Any
) -> MessageStatus:
    """The status of a message from its row; what cannot be read of it is left out."""
    try:
        worst = DeliveryStatus(fate)
    except ValueError:
        worst = DeliveryStatus.SKIPPED
    try:
        read_id = decode(message_id)
    except (ValueError, TypeError):
        read_id = None
    return MessageStatus(
        line if isinstance(line, int) else UNKNOWN_LINE,
        read_id,
        left if isinstance(left, int) and left > 0 else 1,
        worst,
        number=number,
        key=key if isinstance(key, bytes) else b"",
    )


def read_operation(
    status: MessageStatus,
    number: int,
    endpoint: Any,
    host: Any,
    ordering_keys: Any,
    payload: Any,
    expected: Any,
    started: Any,
) -> StoredOperation:
    """An operation from its row. Never raises: a damaged one has a `problem`."""
    try:
        if checksum(endpoint, host, ordering_keys, payload) != expected:
            raise ValueError("its checksum is wrong")
        keys = tuple(json.loads(ordering_keys))
        value = decode(payload)
        if not isinstance(value, dict):
            raise TypeError("its payload is not a JSON object")
        return StoredOperation(
            number, status, Operation(endpoint, host, value), keys, bool(started)
        )
    except (ValueError, TypeError, RecursionError) as error:
        problem = f"operation {number} of the spool is damaged and cannot be sent: {error}"
        left = Operation(_text(endpoint), _text(host), {"payload": _text(payload)})
        return StoredOperation(number, status, left, (), bool(started), problem)


def _text(value: Any) -> str:
    """A value of a damaged row as text."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
