"""From operations to queued operations: what is decided about each before it is sent.

It settles the destination, the JSON text, the ordering keys, and which requests it may share.
"""

import time
from collections.abc import Callable, Collection, Mapping
from itertools import count
from typing import Any

from translator.core.operations import Operation
from translator.sender.dispatch.batch_safety import is_idempotent, may_be_dropped_silently
from translator.sender.dispatch.batching import encode
from translator.sender.dispatch.queued_operation import QueuedOperation, ordering_keys_of
from translator.sender.http.destination_guard import destination
from translator.sender.http.transport import ENDPOINTS


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

        Raises UndeliverableError if it cannot become a request, and DestinationError if there is no
        base URL for its host.
        """
        self.base_url(operation.host)
        if operation.endpoint not in ENDPOINTS:
            # It is put behind the base URL, and with "@elsewhere" it would lead there.
            raise UndeliverableError(f"Mixpanel has no endpoint {operation.endpoint!r:.100}")
        if operation.endpoint == "/import" and not self.has_secret:
            raise UndeliverableError("/import needs the project's API secret: set apiSecret")
        try:
            text = encode(operation.payload)
        except (ValueError, RecursionError) as error:
            raise UndeliverableError(f"the payload cannot be written as JSON: {error}") from error
        now = self.now()
        if ordering_keys is None:
            ordering_keys = ordering_keys_of(operation)
        return QueuedOperation(
            next(self._numbers),
            operation,
            text,
            ordering_keys,
            alone=may_be_dropped_silently(operation, len(text), now * 1000),
            idempotent=is_idempotent(operation),
            tag=tag,
            at=now,
        )
