"""References to records and requests, as the control API shows them as causes."""

from collections.abc import Callable
from typing import Any, NamedTuple

from mock_mixpanel.json_values import identifier
from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.simulation.clock import iso
from mock_mixpanel.state.profiles.operations import operation_names

KINDS = {"/track": "event", "/import": "event", "/engage": "profile", "/groups": "group"}
"""The kind of a record, by its endpoint. Every other record is a `task`."""


class CausingRecord(NamedTuple):
    """The record that caused something, by its entry id, and when it arrived (virtual seconds)."""

    id: int
    at: float


class References:
    """Makes references; `request_of` gives the request id of an entry id."""

    def __init__(self, request_of: Callable[[int], int]) -> None:
        self._request_of = request_of

    def cause(self, cause: CausingRecord) -> dict[str, Any]:
        """A record with its request and its time of arrival."""
        request_id = self._request_of(cause.id)
        return {
            "id": cause.id,
            "request_id": request_id,
            "received_at": iso(cause.at),
            "url": f"/_mock/records/{cause.id}",
            "request_url": f"/_mock/requests/{request_id}",
        }

    def record(self, entry: LogEntry) -> dict[str, Any]:
        """The same with what the record is about."""
        return {
            **self.cause(CausingRecord(entry.id, entry.verdict.received_at)),
            "index": entry.index,
            "endpoint": entry.verdict.endpoint,
            **about(entry),
        }


def kind_of(entry: LogEntry) -> str:
    """`event`, `profile`, `group` or `task`."""
    return KINDS.get(entry.verdict.endpoint, "task")


def about(entry: LogEntry) -> dict[str, Any]:
    """The kind of a record, its name, and the id that it was sent for.

    The name is that of the event, or the operations of an update.
    """
    record = entry.record if isinstance(entry.record, dict) else {}
    kind = kind_of(entry)
    if kind == "event":
        properties = record.get("properties")
        sent = properties if isinstance(properties, dict) else {}
        name, who = record.get("event"), sent.get("distinct_id")
    elif kind in ("profile", "group"):
        name = operation_names(record)
        who = record.get("$distinct_id" if kind == "profile" else "$group_id")
    else:
        name, who = entry.verdict.endpoint, None
    shown = name if isinstance(name, str) else None
    return {"kind": kind, "name": shown, "distinct_id": None if who is None else identifier(who)}
