"""The last messages with what became of them, in bounded memory, for a person who looks on."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import orjson

from translator.core.operations import Json
from translator.gateway.prepared import Prepared
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch.dispatch import Settled

CAPACITY = 1000
"""How many messages are kept."""

CAPACITY_BYTES = 16 * 1024 * 1024
"""How large the texts of their operations may be together."""

WAITING = "waiting"
"""The status of what has no fate yet."""


class _Operation:
    __slots__ = ("endpoint", "fate", "host", "reason", "text")

    def __init__(self, endpoint: str, host: str, text: bytes) -> None:
        self.endpoint, self.host, self.text = endpoint, host, text
        self.fate: str = WAITING
        self.reason: str | None = None


class _Record(NamedTuple):
    source: str
    received_at: float
    message: Prepared
    operations: Sequence[_Operation]
    size: int
    keys: Sequence[tuple[str, int]]


class RecentMessages:
    """Any thread may use it. `redact` hides secrets in texts that are shown."""

    def __init__(
        self,
        redact: Callable[[str], str],
        *,
        capacity: int = CAPACITY,
        capacity_bytes: int = CAPACITY_BYTES,
    ) -> None:
        self._redact = redact
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._lock = threading.Lock()
        self._records: OrderedDict[int, _Record] = OrderedDict()
        self._operations: dict[tuple[str, int], _Operation] = {}
        self._size = 0
        self._last = 0

    def taken(self, source: str, messages: Sequence[Prepared], now: float) -> None:
        """Messages of a source are stored; `now` is in seconds since 1970."""
        with self._lock:
            skipped = max(0, len(messages) - self._capacity)
            self._last += skipped
            for message in messages[skipped:]:
                self._last += 1
                self._records[self._last] = self._record(source, message, now)
            while len(self._records) > self._capacity or self._size > self._capacity_bytes:
                self._forget_oldest()

    def settled(self, source: str, settled: Sequence[Settled]) -> None:
        """Operations of a source have their fates."""
        with self._lock:
            for operations, fate, reason in settled:
                for queued in operations:
                    operation = self._operations.get((source, queued.tag.number))
                    if operation is not None:
                        operation.fate, operation.reason = fate.value, reason

    def page(self, limit: int, before: int | None) -> Json:
        """Up to `limit` messages, the latest first, that came before the one of a number.

        `next` is the `before` of the page that follows; None if this is the last one.
        """
        with self._lock:
            numbers = [n for n in reversed(self._records) if before is None or n < before]
            shown = [self._shown(number) for number in numbers[:limit]]
        return {"messages": shown, "next": shown[-1]["number"] if limit < len(numbers) else None}

    def _record(self, source: str, message: Prepared, now: float) -> _Record:
        operations: list[_Operation] = []
        keys: list[tuple[str, int]] = []
        size = 0
        for queued in message.incoming.operations:
            operation = _Operation(*queued.operation[:2], queued.text)
            key = (source, queued.tag.number)
            self._operations[key] = operation
            operations.append(operation)
            keys.append(key)
            size += len(queued.text)
        self._size += size
        return _Record(source, now, message, operations, size, keys)

    def _forget_oldest(self) -> None:
        _, record = self._records.popitem(last=False)
        self._size -= record.size
        for key in record.keys:
            self._operations.pop(key, None)

    def _shown(self, number: int) -> Json:
        record = self._records[number]
        result = record.message.result
        shown = {
            "messageId": result.message_id,
            "type": record.message.kind,
            "fate": _fate(record),
            "skipped": [{"code": code, "reason": reason} for code, reason in result.skipped],
            "error": result.error._asdict() if result.error else None,
            "losses": [loss.shown for loss in record.message.incoming.losses],
            "operations": [
                {
                    "endpoint": each.endpoint,
                    "host": each.host,
                    "payload": orjson.Fragment(each.text),
                    "fate": each.fate,
                    "reason": each.reason,
                }
                for each in record.operations
            ],
        }
        text = self._redact(orjson.dumps(shown).decode())
        received_ms = int(record.received_at * 1000)
        found: Json = {"number": number, "receivedAt": received_ms, "source": record.source}
        return {**found, **_parsed(text)}


def _parsed(text: str) -> Json:
    found: Json = orjson.loads(text)
    return found


def _fate(record: _Record) -> str:
    """The fate of a message: the worst of its operations; `waiting` while one has none."""
    fates: list[Any] = [each.fate for each in record.operations]
    if WAITING in fates:
        return WAITING
    fates += [loss.shown["fate"] for loss in record.message.incoming.losses]
    worst = (DeliveryStatus.REJECTED, DeliveryStatus.DEAD_LETTERED, DeliveryStatus.DELIVERED)
    return next((fate.value for fate in worst if fate in fates), DeliveryStatus.SKIPPED.value)
