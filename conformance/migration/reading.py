"""Read what a project of the mock holds, and trace each record to the message that caused it."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from conformance.migration.contents import IDENTITY_EVENTS, IdentityLink, ProjectContents
from conformance.migration.project import MockProject
from conformance.regression.json_text import compact, printable
from conformance.runner.replay.contents import plain_id
from conformance.spec.scenarios.loading import Json

NOT_COMPARED = frozenset(["distinct_id", "time", "token", "$insert_id", "$import"])
"""Properties of stored events that are compared in another way (person, time, project), or that say
how the event was sent (insert id, mark of /import)."""

NO_MESSAGE = -1
"""The message number of a record that does not belong to one message."""


class RecordOrigins:
    """The message of each record in the mock, by the number of the record (from 1)."""

    def __init__(self) -> None:
        self._messages = [NO_MESSAGE]
        self._events: dict[int, str] = {}

    def add(self, records: Iterable[Any], messages: Iterable[int]) -> None:
        """Note the next records, each with its message."""
        for record, message in zip(records, messages, strict=True):
            event = record.get("event") if type(record) is dict else None
            if type(event) is str and event in IDENTITY_EVENTS:
                self._events[len(self._messages)] = event
            self._messages.append(message)

    def skip(self, count: int) -> None:
        """Note records that do not belong to one message."""
        self._messages += [NO_MESSAGE] * count

    def message(self, number: int) -> int:
        """The message of a record, or NO_MESSAGE."""
        return self._messages[number]

    def joins_by(self, number: int) -> str:
        """The part of a record that joins two ids: the name of an identity event, or properties."""
        return self._events.get(number, "$user_id with $device_id")


def read_project(project: MockProject, origins: RecordOrigins, contents: ProjectContents) -> None:
    """Add the data of a project to the contents."""
    canonical: dict[str, str] = {}
    identities = project.read("identities")
    for cluster in identities["clusters"]:
        person = plain_id(cluster["canonical"])
        contents.people[person] = tuple(cluster["ids"])
        canonical |= dict.fromkeys(cluster["ids"], person)
    for pair, link in _links(identities["links"], origins):
        before = contents.links.get(pair)
        if before is None or (before.refusal and not link.refusal):
            contents.links[pair] = link
    for event in project.read("events"):
        properties = {
            key: value for key, value in event["properties"].items() if key not in NOT_COMPARED
        }
        text = _dump([event["event"], int(event["time"]), properties])
        person = plain_id(event["distinct_id"])
        contents.events.setdefault(origins.message(event["id"]), []).append((text, person))
    for each in project.read("profiles"):
        contents.profiles[plain_id(each["distinct_id"])] = each["properties"]
    for each in project.read("groups"):
        contents.groups[str(each["group_key"]), str(each["group_id"])] = each["properties"]
    for each in project.read("rejected"):
        message = origins.message(each["id"])
        if message != NO_MESSAGE:
            reason = "; ".join(map(str, each["reasons"]))
            place = each["endpoint"], printable(reason)[:200]
            contents.refused.setdefault(place, []).append(message)
    contents.updated = {
        number: {plain_id(canonical.get(each, each)) for each in ids}
        for number, ids in contents.updated.items()
    }


def _links(
    links: Iterable[Json], origins: RecordOrigins
) -> Iterator[tuple[tuple[str, str], IdentityLink]]:
    """The pairs of ids that records ask to join, each with its result."""
    for link in links:
        one, two = sorted(map(plain_id, (link["alias"], link["distinct_id"])))
        refusal = "" if link["status"] == "in_effect" else str(link["reason"] or link["status"])
        event = origins.joins_by(link["asked"]["id"])
        yield (one, two), IdentityLink(event, printable(refusal.removeprefix("event: "))[:200])


def _dump(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return compact(value).encode()
