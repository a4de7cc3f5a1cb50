"""Batches operations into few requests without changing the order for any person.

Operations for one endpoint, with one query, wait together. If an operation for another endpoint
concerns a person of whom an operation waits, the waiting ones are sent first.
"""

from collections.abc import Callable, Iterator, Sequence

from conformance.spec.scenarios.loading import Json
from mock_mixpanel.json_values import identifier

MOST_RECORDS = 200
"""Records in a request: the limit of /groups, which is the lowest."""

_IDS = (
    *("distinct_id", "$distinct_id", "alias", "$identified_id", "$anon_id", "$user_id"),
    *("$device_id", "$group_id"),
)

Target = tuple[str, tuple[tuple[str, str], ...]]
"""An endpoint, and the query of the request as sorted pairs."""

Send = Callable[[Target, Sequence[Json], Sequence[int]], None]
"""Called with an endpoint and query, the records, and the number of the message of each."""


class Batches:
    """Operations that wait to be sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: dict[Target, tuple[list[Json], list[int]]] = {}
        self._targets: dict[str, Target] = {}
        """Id of a person -> where an operation of theirs is to be sent."""

    def add(self, target: Target, record: Json, message: int) -> None:
        """Add an operation of a message."""
        ids = list(ids_of(record))
        for each in ids:
            other = self._targets.get(each)
            if other is not None and other != target:
                self._flush(other)
        for each in ids:
            self._targets[each] = target
        records, messages = self._waiting.setdefault(target, ([], []))
        records.append(record)
        messages.append(message)
        if len(records) >= MOST_RECORDS:
            self._flush(target)

    def flush(self) -> None:
        """Send all that waits."""
        for target in list(self._waiting):
            self._flush(target)

    def _flush(self, target: Target) -> None:
        records, messages = self._waiting.pop(target, ([], []))
        if records:
            self._send(target, records, messages)
        self._targets = {each: where for each, where in self._targets.items() if where != target}


def ids_of(record: Json) -> Iterator[str]:
    """The ids of people and groups that a record names, as the text that the mock compares."""
    properties = record.get("properties")
    source = properties if type(properties) is dict else record
    for name in _IDS:
        value = source.get(name)
        if isinstance(value, str | int | float) and value != "":
            yield identifier(value)
    for value in source.get("$distinct_ids") or ():
        if isinstance(value, str | int | float):
            yield identifier(value)
