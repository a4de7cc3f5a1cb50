"""Where messages wait between their arrival and their delivery.

What is taken in is in the spool before anybody is told so, and the sender takes it from there.
Without a file the spool is in memory.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import orjson

from translator.core.operations import Json, Result
from translator.sender.books.dead_letters import of_line
from translator.sender.books.ledger import Ledger
from translator.sender.books.message_status import MessageStatus
from translator.sender.books.spool import REMEMBERED_SECONDS, IncomingMessage, Spool
from translator.sender.deliver import Sender
from translator.sender.dispatch.dispatch import Settled
from translator.sender.dispatch.queued_operation import QueuedOperation

CAPACITY = 100_000
"""How many operations may wait; more are refused until there is room, and clients ask again."""

FORGET_EVERY_SECONDS = 600.0


class Taken(NamedTuple):
    """What became of the messages of a request. Without `room` none of them was taken."""

    room: bool
    messages: int = 0
    duplicates: int = 0


class Intake:
    """Takes messages from many threads and gives their letters, in order, to one sender."""

    def __init__(
        self,
        sender: Sender,
        ledger: Ledger,
        spool: Spool,
        translate_line: Callable[[bytes], Result],
        *,
        capacity: int = CAPACITY,
    ) -> None:
        self._sender = sender
        self._ledger = ledger
        self._spool = spool
        self._translate = translate_line
        self._capacity = capacity
        self._lock = threading.Lock()
        self._waiting = spool.waiting()
        self._closed = False
        self._taken_in = 0
        self._forgot_at = sender.moment()

    def accept(self, messages: Sequence[Any]) -> Taken:
        """Take in all messages of a request, or none if there is no room.

        They are in the spool when this returns. A message that is known already is a repetition by
        its client and is not taken in again. Raises what the spool raises, and RecursionError, with
        nothing taken in, if a message is nested too deep to be written.
        """
        written = [_written(message) for message in messages]
        with self._lock:
            if self._closed or self._waiting >= self._capacity:
                return Taken(room=False)
            fresh: dict[bytes, IncomingMessage] = {}
            for line, key in written:
                if key in fresh or self._spool.known(key)[0]:
                    continue
                self._taken_in += 1
                result = self._translate(line)
                entry = MessageStatus(self._taken_in, result.message_id, 0, key=key)
                fresh[key] = self._ledger.enter(entry, result, of_line(line))
            if fresh:
                self._ledger.lose(fresh.values())
                self._spool.add(fresh.values(), self._sender.moment())
            for entry, letters, _ in fresh.values():
                self._waiting += len(letters)
                if entry.fate is not None:
                    self._ledger.account.add(entry.fate)
        self._sender.wake()
        return Taken(room=True, messages=len(fresh), duplicates=len(messages) - len(fresh))

    def close(self) -> None:
        """Take in nothing more; the sender ends when all that was taken in has its verdict."""
        with self._lock:
            self._closed = True
        self._sender.wake()

    def waiting(self) -> int:
        """How many operations have no verdict yet."""
        with self._lock:
            return self._waiting

    def counts(self) -> Json:
        """The account of messages: read, delivered, skipped, rejected, dead_lettered."""
        with self._lock:
            return self._ledger.account.summary()

    def take(self, room: int) -> Sequence[QueuedOperation] | None:
        """What waits longest, as a source of the sender."""
        now = self._sender.moment()
        if now - self._forgot_at > FORGET_EVERY_SECONDS:
            self._spool.forget(now - REMEMBERED_SECONDS)
            self._forgot_at = now
        with self._lock:
            letters = self._ledger.backlog(room)
            return letters or (None if self._closed else ())

    def sending(self, letters: Sequence[QueuedOperation]) -> None:
        """As the ledger does."""
        self._ledger.sending(letters)

    def settled(self, settled: Sequence[Settled]) -> None:
        """As the ledger does."""
        with self._lock:
            self._waiting -= sum(len(each.operations) for each in settled)
            self._ledger.settled(settled)


_ADDED = ("receivedAt", "sentAt", "timestamp")
"""What a repetition has anew; the time of the call stands in `originalTimestamp`."""


def _written(message: Any) -> tuple[bytes, bytes]:
    """A message as a line, and the key that tells it from the others.

    The key is made of all of it, less what a repetition has anew. The message id alone would not
    do: two messages with one id, from a client with a defect, would be one, and the other lost.
    """
    # As text, so that what JSON cannot hold is one message's fault.
    line = json.dumps(message).encode()
    if isinstance(message, dict):
        message = {name: value for name, value in message.items() if name not in _ADDED}
    return line, hashlib.blake2b(_sorted_text(message, line), digest_size=16).digest()


def _sorted_text(message: Any, line: bytes) -> bytes:
    """A message as JSON, the same however its members are ordered.

    The fast way takes NaN for null, and refuses long integers and lone surrogates.
    """
    if b"NaN" not in line and b"Infinity" not in line:
        try:
            return orjson.dumps(message, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:
            pass
    return json.dumps(message, sort_keys=True).encode()
