"""Operations in order, cut into requests.

Consecutive operations for the same host and endpoint share a request, up to the limits; nothing
overtakes anything, so the order at the wire is the order of the operations.

A record that must not arrive twice travels alone. Mixpanel answers `0` for a batch both when
nothing in it was valid and when only some of it was (its sources disagree, facts/mixpanel-http-api
1.5), so after a `0` the good records have to be sent again to find the bad one. That is harmless
for an event with an insert id, which Mixpanel stores once, and for `$set` and the like, which give
the same profile the second time; it would count an `$add` or `$append` twice.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from translator.operations import Operation

REPEATABLE_UPDATES = frozenset({"$set", "$set_once", "$union", "$unset", "$delete"})
"""The profile operations that change nothing the second time."""

REPEATABLE_EVENTS = frozenset({"$create_alias", "$identify"})
"""The events without an insert id that change nothing the second time."""

MODIFIERS = frozenset(
    {
        "$token",
        "$distinct_id",
        "$group_key",
        "$group_id",
        "$ip",
        "$ignore_time",
        "$ignore_alias",
        "$time",
        "$latitude",
        "$longitude",
    }
)
"""The keys of a profile update that are no operation (facts/mixpanel-http-api 3.3)."""


BRACKET = 1
"""Bytes of the first bracket; each record then costs one more byte, for what follows it."""


class Limits(NamedTuple):
    """How large a request may be: records, and bytes of JSON before compression.

    Mixpanel takes 2000 records and 10 MB; 2 MB is the limit its 413 answer still names
    (facts/mixpanel-http-api 2.1).

    /import names each record that it refuses. The other endpoints answer for the request as a
    whole, and a `1` is documented both as "all valid" and as "at least one valid" (1.5): under the
    second reading a bad record would be lost in silence behind a good one. `together` is how many
    records may share such an answer; with 1, every record has an answer of its own. More is faster
    and takes a `1` for all of them.
    """

    records: int = 2000
    bytes: int = 2_000_000
    together: int = 1

    def records_at(self, endpoint: str) -> int:
        """The most records in one request to an endpoint."""
        named = endpoint == "/import"
        return self.records if named else min(self.records, self.together)


class Item(NamedTuple):
    """An operation, its place among those given to `send`, and its JSON text in UTF-8."""

    position: int
    operation: Operation
    text: bytes


class Batch(NamedTuple):
    """Consecutive operations for one host and endpoint."""

    host: str
    endpoint: str
    items: tuple[Item, ...]

    def body(self) -> bytes:
        """The request's body: a JSON array of records."""
        return b"[" + b",".join(item.text for item in self.items) + b"]"

    def halves(self) -> tuple["Batch", "Batch"]:
        """The same records in two batches, in order."""
        middle = len(self.items) // 2
        return self._replace(items=self.items[:middle]), self._replace(items=self.items[middle:])


def encode(payload: Any) -> bytes:
    """A payload as JSON in UTF-8.

    The standard library steps in for what orjson refuses: numbers beyond 64 bits and lone
    surrogates, which stay escaped.

    Raises ValueError for what JSON cannot say, and RecursionError for endless nesting.
    """
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError:
        try:
            return json.dumps(payload, allow_nan=False, separators=(",", ":")).encode()
        except TypeError as error:
            raise ValueError(str(error)) from error


def batches(items: Iterable[Item], limits: Limits) -> Iterator[Batch]:
    """The items in order, in as few requests as the limits allow."""
    held: list[Item] = []
    size = BRACKET
    for item in items:
        if held and not (
            len(held) < limits.records_at(item.operation.endpoint)
            and size + len(item.text) + 1 <= limits.bytes
            and _may_share(held[-1].operation, item.operation)
        ):
            yield _batch(held)
            held, size = [], BRACKET
        held.append(item)
        size += len(item.text) + 1
    if held:
        yield _batch(held)


def repeatable(operation: Operation) -> bool:
    """Whether Mixpanel ends up the same if the operation arrives twice."""
    payload = operation.payload
    if operation.endpoint in ("/engage", "/groups"):
        return payload.keys() <= REPEATABLE_UPDATES | MODIFIERS
    properties = payload.get("properties")
    if isinstance(properties, dict) and isinstance(properties.get("$insert_id"), str):
        return True
    return payload.get("event") in REPEATABLE_EVENTS


def _may_share(previous: Operation, current: Operation) -> bool:
    same_place = (previous.host, previous.endpoint) == (current.host, current.endpoint)
    return same_place and repeatable(previous) and repeatable(current)


def _batch(items: list[Item]) -> Batch:
    first = items[0].operation
    return Batch(first.host, first.endpoint, tuple(items))
