"""The pages about messages of a gateway: the messages, and the requests and people they lead to.

The gateway and the mock do not depend on each other. A program that starts both in one process
passes to the mock a function that reads the gateway's latest messages.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import Response, request

from mock_mixpanel.control.lists import Query
from mock_mixpanel.control.parameters import ControlError, whole_number
from mock_mixpanel.ingest.regions import DEFAULT, region_of
from mock_mixpanel.inspector.site import MessageReader, Site, View
from mock_mixpanel.inspector.visit import LISTED
from mock_mixpanel.inspector.wording import MESSAGE_STATUSES

LOOKED_AT = 500
"""Number of latest messages that are searched for the messages of a request."""
ARRIVED = 1000
"""Number of latest records that are searched for the records of a message."""


class Operation(NamedTuple):
    """An operation of a message, and its record, if that arrived here.

    `known` says whether there is a person with the id `who`.
    """

    operation: Mapping[str, Any]
    region: str
    who: str | None
    record: Mapping[str, Any] | None
    known: bool


class MessagePages:
    """The views, by path."""

    def __init__(self, site: Site, read: MessageReader) -> None:
        self._site, self._read = site, read

    def views(self) -> dict[str, View]:
        """The view of each page, by the path below `/_mock/ui/`."""
        number = "<int(min=1, max=999999999999999):number>"
        return {"messages": self.messages, f"messages/{number}": self.message}

    def messages(self) -> Response:
        """The latest messages, newest first; the query parameter `fate` selects one status."""
        visit, fate = self._site.visit(), request.args.get("fate")
        if fate and fate not in MESSAGE_STATUSES:
            known = ", ".join(MESSAGE_STATUSES)
            raise ControlError(f"fate: {fate!r:.80} is not a status of messages; known: {known}")
        found = self._read(LOOKED_AT if fate else LISTED, whole_number("before"))
        shown = [each for each in found["messages"] if fate in (None, "", each["fate"])]
        return self._site.render(
            "messages.html", visit, messages=shown[:LISTED], next=found["next"], fate=fate
        )

    def message(self, number: int) -> Response:
        """One message with its operations, and the record and person of each."""
        found = self._read(1, number + 1)["messages"]
        if not found or found[0]["number"] != number:
            raise ControlError(f"there is no message {number}; the gateway keeps the latest", 404)
        visit = self._site.visit()
        operations = self._became(found[0]["operations"], visit.token)
        return self._site.render("message.html", visit, message=found[0], operations=operations)

    def of_request(self, records: Iterable[Any]) -> dict[int, Mapping[str, Any]]:
        """For each record of a request, by its place, the message that it came from."""
        keys = {key: place for place, record in enumerate(records) for key in _keys(record)}
        found: dict[int, Mapping[str, Any]] = {}
        for message in self._read(LOOKED_AT, None)["messages"] if keys else ():
            for operation in message["operations"]:
                for key in _keys(operation["payload"]):
                    if key in keys:
                        found.setdefault(keys[key], message)
        return found

    def _became(
        self, operations: Sequence[Mapping[str, Any]], token: str | None
    ) -> list[Operation]:
        """Operations with their records; `token` is the project that the page is about."""
        arrived: dict[str, Mapping[str, Any]] = {}
        if operations:
            query = Query(limit=ARRIVED, paged=True)
            for record in self._site.reading.records(query)["items"]:
                for key in _keys(record["record"]):
                    arrived.setdefault(key, record)
        return [self._operation(each, arrived, token) for each in operations]

    def _operation(
        self,
        operation: Mapping[str, Any],
        arrived: Mapping[str, Mapping[str, Any]],
        token: str | None,
    ) -> Operation:
        region = region_of(DEFAULT, urlsplit(operation["host"]).netloc)
        payload = operation["payload"]
        who = _who(payload)
        record = next((arrived[key] for key in _keys(payload) if key in arrived), None)
        project = record["token"] if record else token
        known = bool(who) and self._site.knows_person(who or "", project, region)
        return Operation(operation, region, who, record, known)


def _properties(record: Mapping[str, Any]) -> Mapping[str, Any]:
    found = record.get("properties")
    return found if isinstance(found, dict) else {}


def _who(record: Any) -> str | None:
    if not isinstance(record, dict):
        return None
    found = record.get("$distinct_id", _properties(record).get("distinct_id"))
    return found if isinstance(found, str) else None


def _keys(record: Any) -> list[str]:
    """Keys that an operation and its record share: the insert id, else all members but the token.

    A gateway hides the token where it shows operations.
    """
    if not isinstance(record, dict):
        return []
    insert_id = _properties(record).get("$insert_id")
    if isinstance(insert_id, str):
        return [f"insert id {insert_id}"]
    rest = {name: value for name, value in record.items() if name != "$token"}
    return [json.dumps(rest, sort_keys=True, default=str)]
