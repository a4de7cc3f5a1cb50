"""A queued operation: its JSON text, its ordering keys, and which requests it may share."""

from enum import StrEnum, auto
from functools import lru_cache
from typing import Any, Self

from translator.core.operations import Json, Operation
from translator.sender.queue.payload_text import decode

ALIAS_EVENT = "$create_alias"

LONGEST_KEPT = 255
"""The longest id, in characters, for which something is cached; it bounds the cache's memory."""


class Sharing(StrEnum):
    """The other operations with which an operation may share a request."""

    ANY = auto()
    """With all operations that may be sent twice."""
    ONCE = auto()
    """With operations that must not be sent twice: after a lost response all of them are
    uncertain."""
    ALONE = auto()
    """With no other operation: it has a response of its own."""


PreparedOperation = tuple[str, str, bytes, tuple[str, ...], Sharing, bool, bool, float]
"""The prepared values of an operation: the members `endpoint`, `host`, `text`, `ordering_keys`,
`sharing`, `idempotent`, `is_alias` and `at` of `QueuedOperation`.

Another process may have made it. pickle takes three times as long for a named tuple.
"""


class QueuedOperation:
    """An operation that is to be delivered.

    - `number` counts up in order of arrival; in a spool it is that of the stored operation.
    - `endpoint` and `host` are where it goes to.
    - `text` is the payload as JSON in UTF-8.
    - `ordering_keys` name the people and the group that it is about; operations that share a key
      are sent in order.
    - `sharing` decides with which others it may share a request.
    - `idempotent`: the result in Mixpanel is the same if it arrives twice.
    - `tag` belongs to the caller. `at` is when it was made, in seconds since 1970.
    - `ready`: no other operation has to be sent before it.
    """

    __slots__ = (
        "_operation",
        "at",
        "endpoint",
        "host",
        "idempotent",
        "is_alias",
        "number",
        "ordering_keys",
        "ready",
        "sharing",
        "tag",
        "text",
    )

    def __init__(
        self,
        number: int,
        operation: Operation,
        text: bytes,
        ordering_keys: tuple[str, ...] = (),
        alone: bool = False,
        idempotent: bool = True,
        tag: Any = None,
        at: float = 0.0,
    ) -> None:
        self.number = number
        self._operation: Operation | None = operation
        self.endpoint = operation.endpoint
        self.host = operation.host
        self.text = text
        self.ordering_keys = ordering_keys
        self.sharing = Sharing.ANY if idempotent else Sharing.ONCE
        if alone:
            self.sharing = Sharing.ALONE
        self.idempotent = idempotent
        self.is_alias = is_alias(operation.payload)
        self.ready = False
        self.tag = tag
        self.at = at

    @classmethod
    def of(
        cls,
        number: int,
        prepared: PreparedOperation,
        tag: Any = None,
        operation: Operation | None = None,
    ) -> Self:
        """Queue a prepared operation; `operation` is the same one with its payload, if kept."""
        queued = cls.__new__(cls)
        queued.number = number
        queued._operation = operation
        (
            queued.endpoint,
            queued.host,
            queued.text,
            queued.ordering_keys,
            queued.sharing,
            queued.idempotent,
            queued.is_alias,
            queued.at,
        ) = prepared
        queued.ready = False
        queued.tag = tag
        return queued

    @property
    def operation(self) -> Operation:
        """The operation, whose payload is read from the text if it is not kept."""
        if self._operation is None:
            self._operation = Operation(self.endpoint, self.host, decode(self.text))
        return self._operation

    def __repr__(self) -> str:
        return f"QueuedOperation({self.number}, {self.endpoint}, {self.ordering_keys})"


def is_alias(payload: Json) -> bool:
    """Whether an operation with this payload joins two ids of a person."""
    return bool(payload.get("event") == ALIAS_EVENT)


def ordering_keys_of(operation: Operation, people: tuple[Any, ...] = ()) -> tuple[str, ...]:
    """The ordering keys of an operation: one for each of its people, and one for its group.

    `people` are the ids of its message. Without them the ids in the payload are used; for an alias
    both are.
    """
    payload = operation.payload
    if operation.endpoint == "/groups":
        group = f"group {payload.get('$group_key')} {payload.get('$group_id')}"
        return (*ordering_keys_of_people(people), group)
    if operation.endpoint == "/engage":
        return ordering_keys_of_people(people or (payload.get("$distinct_id"),))
    properties = payload.get("properties")
    if not isinstance(properties, dict):
        return ordering_keys_of_people(people)
    if payload.get("event") == ALIAS_EVENT:
        return ordering_keys_of_people(
            (properties.get("alias"), properties.get("distinct_id"), *people)
        )
    return ordering_keys_of_people(people or (properties.get("distinct_id"),))


@lru_cache(10_000)
def _lane(person: str) -> tuple[str, ...]:
    """The key of one person, cached, since most operations have one and people come back."""
    return (f"person {person}",) if person else ()


def ordering_keys_of_people(ids: tuple[Any, ...]) -> tuple[str, ...]:
    """A key for each id; 7 and "7" are one person to Mixpanel."""
    if len(ids) == 1 and type(ids[0]) is str and len(ids[0]) <= LONGEST_KEPT:
        return _lane(ids[0])
    return tuple(dict.fromkeys(f"person {one}" for one in ids if one not in (None, "")))
