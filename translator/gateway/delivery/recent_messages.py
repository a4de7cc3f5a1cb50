"""The last messages with their fates and operations, in bounded memory."""

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
"""How many messages are kept."""

CAPACITY_BYTES = 8 * 1024 * 1024
"""How large the texts of their operations and losses may be together."""

WAITING = "waiting"
"""The fate of an operation without a result."""


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
        self._fates: dict[str, dict[int, tuple[str, str | None]]] = {}
        """The fates of operations, with the reason, by source and number."""
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
            # A group is forgotten as a whole, when there is enough without it.
            while len(self._groups) > 1 and (
                self._messages - len(self._groups[0].messages) >= self._capacity
                or self._size > self._capacity_bytes
            ):
                oldest = self._groups.popleft()
                self._messages -= len(oldest.messages)
                self._size -= oldest.size

    def settled(self, source: str, settled: Sequence[Settled]) -> None:
        """Operations of a source have their fates."""
        with self._lock:
            found = self._fates.setdefault(source, {})
            for operations, fate, reason in settled:
                shown = (fate.value, reason)
                for queued in operations:
                    found[queued.number] = shown
            if len(found) > 4 * self._capacity:
                self._forget_fates(source)

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

    def _forget_fates(self, source: str) -> None:
        """Forget the fates of operations whose messages are not kept."""
        kept = {
            queued.number
            for group in self._groups
            if group.source == source
            for message in group.messages
            for queued in message.operations
        }
        found = self._fates[source]
        self._fates[source] = {number: found[number] for number in kept if number in found}

    def _shown(self, number: int, group: _Group, message: IncomingMessage) -> Json:
        fates = self._fates.get(group.source, {})
        operations = []
        for queued in message.operations:
            fate, reason = fates.get(queued.number, (WAITING, None))
            where = {"endpoint": queued.endpoint, "host": queued.host}
            payload = _parsed(queued.text)
            operations.append({**where, "payload": payload, "fate": fate, "reason": reason})
        shown = {
            "messageId": message.status.message_id,
            "type": message.kind,
            "fate": _fate([each["fate"] for each in operations], message),
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
    """A JSON object from its text, which may have what orjson refuses to read."""
    try:
        found: Json = orjson.loads(text)
    except ValueError:
        found = json.loads(text)
    return found


def _fate(fates: list[Any], message: IncomingMessage) -> str:
    """The worst fate of the operations of a message; `waiting` while one is waiting."""
    if WAITING in fates:
        return WAITING
    fates += [loss.shown["fate"] for loss in message.losses]
    worst = (DeliveryStatus.REJECTED, DeliveryStatus.DEAD_LETTERED, DeliveryStatus.DELIVERED)
    return next((fate.value for fate in worst if fate in fates), DeliveryStatus.SKIPPED.value)
