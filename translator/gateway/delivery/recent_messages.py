"""The latest messages with their statuses and operations, in bounded memory."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import orjson

from translator.core.operations import Json
from translator.gateway.messages.json_text import valid_json
from translator.sender.books.spool_records import IncomingMessage
from translator.sender.delivery_status import DeliveryStatus
from translator.sender.dispatch.request_results import Settled

CAPACITY = 1000
"""Maximum number of messages that are kept."""

CAPACITY_BYTES = 8 * 1024 * 1024
"""Maximum total size, in bytes, of the texts of their operations and losses."""

WAITING = "waiting"
"""The status of an operation without a result."""


class _Group(NamedTuple):
    """Messages of a source that were stored together; `last` is the number of the last one."""

    source: str
    received_at: float
    messages: Sequence[IncomingMessage]
    last: int
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
        self._groups: deque[_Group] = deque()
        self._statuses: dict[str, dict[int, tuple[str, str | None]]] = {}
        """The statuses of operations, with the reason, by source and number."""
        self._messages = 0
        self._size = 0
        self._last = 0

    def taken(self, source: str, messages: Sequence[IncomingMessage], now: float) -> None:
        """Messages of a source are stored; `now` is in seconds since 1970."""
        if not messages:
            return
        kept = messages[-self._capacity :]
        size = sum([len(queued.text) for each in kept for queued in each.operations])
        size += sum([len(loss.line) for each in kept for loss in each.losses])
        first = 0
        while size > self._capacity_bytes:
            size -= kept[first].size
            first += 1
        kept = kept[first:]
        with self._lock:
            self._last += len(messages)
            self._groups.append(_Group(source, now, kept, self._last, size))
            self._messages += len(kept)
            self._size += size
            # A group is deleted as a whole, once the later groups have enough messages.
            while len(self._groups) > 1 and (
                self._messages - len(self._groups[0].messages) >= self._capacity
                or self._size > self._capacity_bytes
            ):
                oldest = self._groups.popleft()
                self._messages -= len(oldest.messages)
                self._size -= oldest.size

    def settled(self, source: str, settled: Sequence[Settled]) -> None:
        """Record the final statuses of operations of a source."""
        with self._lock:
            found = self._statuses.setdefault(source, {})
            for operations, status, reason in settled:
                shown = (status.value, reason)
                for queued in operations:
                    found[queued.number] = shown
            if len(found) > 4 * self._capacity:
                self._forget_statuses(source)

    def page(self, limit: int, before: int | None) -> Json:
        """Up to `limit` messages, the latest first, that came before the one of a number.

        `next` is the `before` of the page that follows; None if this is the last one.
        """
        with self._lock:
            found = list(islice(self._latest_first(before), limit + 1))
            shown = [self._shown(*each) for each in found[:limit]]
        return {"messages": shown, "next": shown[-1]["number"] if limit < len(found) else None}

    def _latest_first(self, before: int | None) -> Iterator[tuple[int, _Group, IncomingMessage]]:
        shown = 0
        for group in reversed(self._groups):
            for place, message in enumerate(reversed(group.messages)):
                number = group.last - place
                shown += 1
                if shown > self._capacity:
                    return
                if before is None or number < before:
                    yield number, group, message

    def _forget_statuses(self, source: str) -> None:
        """Delete the statuses of operations whose messages are not kept."""
        kept = {
            queued.number
            for group in self._groups
            if group.source == source
            for message in group.messages
            for queued in message.operations
        }
        found = self._statuses[source]
        self._statuses[source] = {number: found[number] for number in kept if number in found}

    def _shown(self, number: int, group: _Group, message: IncomingMessage) -> Json:
        statuses = self._statuses.get(group.source, {})
        operations = []
        for queued in message.operations:
            status, reason = statuses.get(queued.number, (WAITING, None))
            where = {"endpoint": queued.endpoint, "host": queued.host}
            payload = _parsed(queued.text)
            operations.append({**where, "payload": payload, "fate": status, "reason": reason})
        shown = {
            "messageId": message.status.message_id,
            "type": message.kind,
            "fate": _worst_status([each["fate"] for each in operations], message),
            "skipped": [{"code": code, "reason": reason} for code, reason in message.skipped],
            "error": message.error._asdict() if message.error else None,
            "losses": [loss.shown for loss in message.losses],
            "operations": operations,
        }
        text = self._redact(valid_json(shown).decode())
        received_ms = int(group.received_at * 1000)
        found: Json = {"number": number, "receivedAt": received_ms, "source": group.source}
        return {**found, **_parsed(text)}


def _parsed(text: str | bytes) -> Json:
    """A JSON object from its text. Reads also numbers that orjson refuses."""
    try:
        found: Json = orjson.loads(text)
    except ValueError:
        found = json.loads(text)
    return found


def _worst_status(statuses: list[Any], message: IncomingMessage) -> str:
    """The worst status of the operations of a message; `waiting` while one is waiting."""
    if WAITING in statuses:
        return WAITING
    statuses += [loss.shown["fate"] for loss in message.losses]
    worst = (DeliveryStatus.REJECTED, DeliveryStatus.DEAD_LETTERED, DeliveryStatus.DELIVERED)
    return next(
        (status.value for status in worst if status in statuses), DeliveryStatus.SKIPPED.value
    )
