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

CAPACITY_BYTES = 8 * 1024 * 1024
"""How large the texts of their operations and losses may be together."""

WAITING = "waiting"
"""The status of what has no fate yet."""


class _Record(NamedTuple):
    source: str
    received_at: float
    message: Prepared
    size: int


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
        self._fates: dict[str, dict[int, tuple[str, str | None]]] = {}
        """The fates of operations, with the reason, by source and number."""
        self._size = 0
        self._last = 0

    def taken(self, source: str, messages: Sequence[Prepared], now: float) -> None:
        """Messages of a source are stored; `now` is in seconds since 1970."""
        with self._lock:
            self._fates.setdefault(source, {})
            self._last += max(0, len(messages) - self._capacity)
            for message in messages[-self._capacity :]:
                self._last += 1
                size = _size(message)
                self._size += size
                self._records[self._last] = _Record(source, now, message, size)
            while len(self._records) > self._capacity or self._size > self._capacity_bytes:
                self._forget_oldest()

    def settled(self, source: str, settled: Sequence[Settled]) -> None:
        """Operations of a source have their fates."""
        with self._lock:
            if not self._records:
                return
            found = self._fates.setdefault(source, {})
            for operations, fate, reason in settled:
                for queued in operations:
                    found[queued.tag.number] = (fate.value, reason)
            if len(found) > 4 * self._capacity:
                self._forget_fates(source)

    def page(self, limit: int, before: int | None) -> Json:
        """Up to `limit` messages, the latest first, that came before the one of a number.

        `next` is the `before` of the page that follows; None if this is the last one.
        """
        with self._lock:
            numbers = [n for n in reversed(self._records) if before is None or n < before]
            shown = [self._shown(number) for number in numbers[:limit]]
        return {"messages": shown, "next": shown[-1]["number"] if limit < len(numbers) else None}

    def _forget_oldest(self) -> None:
        _, record = self._records.popitem(last=False)
        self._size -= record.size
        for queued in record.message.incoming.operations:
            self._fates[record.source].pop(queued.tag.number, None)

    def _forget_fates(self, source: str) -> None:
        """Forget the fates of operations whose messages are not kept."""
        kept = {
            queued.tag.number
            for record in self._records.values()
            if record.source == source
            for queued in record.message.incoming.operations
        }
        found = self._fates[source]
        self._fates[source] = {number: found[number] for number in kept if number in found}

    def _shown(self, number: int) -> Json:
        record = self._records[number]
        result = record.message.result
        fates = self._fates[record.source]
        operations = []
        for queued in record.message.incoming.operations:
            fate, reason = fates.get(queued.tag.number, (WAITING, None))
            endpoint, host, _ = queued.operation
            payload = orjson.Fragment(queued.text)
            shown_fate = {"fate": fate, "reason": reason}
            operations.append(
                {"endpoint": endpoint, "host": host, "payload": payload, **shown_fate}
            )
        shown = {
            "messageId": result.message_id,
            "type": record.message.kind,
            "fate": _fate([each["fate"] for each in operations], record.message),
            "skipped": [{"code": code, "reason": reason} for code, reason in result.skipped],
            "error": result.error._asdict() if result.error else None,
            "losses": [loss.shown for loss in record.message.incoming.losses],
            "operations": operations,
        }
        text = self._redact(orjson.dumps(shown).decode())
        received_ms = int(record.received_at * 1000)
        found: Json = {"number": number, "receivedAt": received_ms, "source": record.source}
        return {**found, **_parsed(text)}


def _size(message: Prepared) -> int:
    incoming = message.incoming
    operations = sum(len(each.text) for each in incoming.operations)
    return operations + sum(len(loss.line) for loss in incoming.losses)


def _parsed(text: str) -> Json:
    found: Json = orjson.loads(text)
    return found


def _fate(fates: list[Any], message: Prepared) -> str:
    """The fate of a message: the worst of its operations; `waiting` while one has none."""
    if WAITING in fates:
        return WAITING
    fates += [loss.shown["fate"] for loss in message.incoming.losses]
    worst = (DeliveryStatus.REJECTED, DeliveryStatus.DEAD_LETTERED, DeliveryStatus.DELIVERED)
    return next((fate.value for fate in worst if fate in fates), DeliveryStatus.SKIPPED.value)
