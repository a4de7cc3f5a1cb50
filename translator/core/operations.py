"""The records of a translation: operations to send, skips with reasons, or one error.

They are plain and immutable.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

Json = dict[str, Any]
"""A JSON object."""


class Operation(NamedTuple):
    """One record for one Mixpanel endpoint.

    `endpoint` is `/track`, `/import`, `/engage` or `/groups`; `host` is the base URL of the
    project's residency, such as `https://api.mixpanel.com`; `payload` is the JSON object that
    goes to the endpoint.
    """

    endpoint: str
    host: str
    payload: Json


operation_of: Callable[[tuple[str, str, Json]], Operation] = partial(tuple.__new__, Operation)
"""The operation with these fields. The constructor of a named tuple is a function in Python, which
takes twice the time. `skip_of` and `result_of` exist for the same reason."""


class Skip(NamedTuple):
    """A part of a message that is not sent: a stable code and a reason."""

    code: str
    reason: str


skip_of: Callable[[tuple[str, str]], Skip] = partial(tuple.__new__, Skip)


OperationOrSkip = Operation | Skip
"""The items that a step of a translation returns, in order: operations, and reasons for skipped
parts."""


class Failure(NamedTuple):
    """Why a message could not be translated: a stable code, and a text with the remedy."""

    code: str
    message: str


class SdkCall(Protocol):
    """A call on the vendor's SDK, which device modes make."""

    @property
    def method(self) -> str:
        """Its name, such as `people.set`."""

    @property
    def args(self) -> tuple[Any, ...]:
        """Its arguments."""

    def as_json(self) -> list[Any]:
        """`[method, ...args]` with values that JSON can hold."""


class Result(NamedTuple):
    """The result for one message. With an `error` there are no operations.

    `calls` are the calls on Mixpanel's SDK in device modes; None in cloud mode.

    `people` are the ids of the person: the distinct id, and for an alias userId and anonymousId.
    Messages that share an id must be delivered in order.
    """

    message_id: str | float | None
    operations: tuple[Operation, ...] = ()
    skipped: tuple[Skip, ...] = ()
    error: Failure | None = None
    calls: tuple[SdkCall, ...] | None = None
    people: tuple[str | float, ...] = ()

    def as_json(self) -> Json:
        """The result as the JSON object that `translate` prints."""
        message_id, operations, skipped, error, calls, _ = self
        shown = []
        for endpoint, host, payload in operations:
            shown.append({"endpoint": endpoint, "host": host, "payload": payload})
        reasons = [{"code": code, "reason": reason} for code, reason in skipped] if skipped else []
        found: Json = {
            "messageId": message_id,
            "operations": shown,
            "skipped": reasons,
            "error": error._asdict() if error else None,
        }
        if calls is not None:
            found["calls"] = [call.as_json() for call in calls]
        return found


result_of: Callable[[tuple[Any, ...]], Result] = partial(tuple.__new__, Result)
