"""Prepares operations for the queue.

It sets the destination, the JSON text, the ordering keys, and the kind of request that the
operation may share.
"""

import time
from collections.abc import Callable, Collection, Mapping
from itertools import count
from typing import Any

from translator.core.operations import Operation, Result
from translator.sender.http.destination_guard import DestinationError, destination
from translator.sender.http.transport import ENDPOINTS
from translator.sender.queue.batch_safety import is_idempotent, may_be_dropped_silently
from translator.sender.queue.payload_text import encode
from translator.sender.queue.queued_operation import (
    PreparedOperation,
    QueuedOperation,
    Sharing,
    is_alias,
    ordering_keys_of,
    ordering_keys_of_people,
)


class UndeliverableError(Exception):
    """An operation that cannot become a request; the text says why."""


class Preparation:
    """Prepares the operations of one sender, in any thread.

    `base_urls`, `live` and `allowed` are those of the sender. `has_secret`: there is an API secret,
    so /import is possible. `now` gives the time in seconds since 1970.
    """

    def __init__(
        self,
        base_urls: Mapping[str, str] | None = None,
        *,
        live: bool = False,
        allowed: Collection[str] = (),
        has_secret: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.has_secret = has_secret
        self.now = now
        self._base_urls = dict(base_urls or {})
        self._live, self._allowed = live, allowed
        self._known: dict[str, str] = {}
        self._numbers = count()

    def base_url(self, host: str) -> str:
        """The base URL for operations of `host`. Raises DestinationError without one."""
        url = self._known.get(host)
        if url is None:
            url = self._known[host] = destination(
                host, self._base_urls, live=self._live, allowed=self._allowed
            )
        return url

    def prepare(
        self, operation: Operation, ordering_keys: tuple[str, ...] | None = None, tag: Any = None
    ) -> QueuedOperation:
        """Queue an operation; without `ordering_keys` they are made of the ids in its payload.

        Raises as `prepared` does.
        """
        if ordering_keys is None:
            ordering_keys = ordering_keys_of(operation)
        prepared = self.prepared(operation, ordering_keys)
        return QueuedOperation.of(next(self._numbers), prepared, tag, operation)

    def queue(self, prepared: PreparedOperation, tag: Any = None) -> QueuedOperation:
        """Queue an operation that was prepared before, perhaps by another process."""
        return QueuedOperation.of(next(self._numbers), prepared, tag)

    def prepared(
        self, operation: Operation, ordering_keys: tuple[str, ...], now: float | None = None
    ) -> PreparedOperation:
        """The decision about an operation, at `now` in seconds since 1970 (None: the current time).

        Raises UndeliverableError if it cannot become a request, and DestinationError if there is no
        base URL for its host.
        """
        endpoint, host, payload = operation
        if host not in self._known:
            self.base_url(host)
        if endpoint not in ENDPOINTS:
            # The endpoint is appended to the base URL; "@elsewhere" would change the host.
            raise UndeliverableError(f"Mixpanel has no endpoint {endpoint!r:.100}")
        if endpoint == "/import" and not self.has_secret:
            raise UndeliverableError("/import needs the project's API secret: set apiSecret")
        try:
            text = encode(payload)
        except (ValueError, RecursionError) as error:
            raise UndeliverableError(f"the payload cannot be written as JSON: {error}") from error
        if now is None:
            now = self.now()
        idempotent = is_idempotent(operation)
        sharing = Sharing.ANY if idempotent else Sharing.ONCE
        if may_be_dropped_silently(operation, len(text), now * 1000):
            sharing = Sharing.ALONE
        return (endpoint, host, text, ordering_keys, sharing, idempotent, is_alias(payload), now)

    def of_result(
        self, result: Result, now: float | None = None
    ) -> tuple[list[PreparedOperation], list[tuple[Operation, str]]]:
        """The operations of a translated message, and those that cannot be sent, with the reason.

        `now` is as for `prepared`.
        """
        operations: list[PreparedOperation] = []
        undeliverable: list[tuple[Operation, str]] = []
        people = ordering_keys_of_people(result.people)
        for operation in result.operations:
            keys = people
            if not people or operation.endpoint == "/groups" or is_alias(operation.payload):
                keys = ordering_keys_of(operation, result.people)
            try:
                operations.append(self.prepared(operation, keys, now))
            except (UndeliverableError, DestinationError) as error:
                undeliverable.append((operation, str(error)))
        return operations, undeliverable
