"""A stored event, made from the record that was sent."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple

from mock_mixpanel.json_values import identifier, seconds, whole
from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.projects.config import MixpanelLimits
from mock_mixpanel.simulation.places import event_location

MADE = "made-"
"""Prefix of an insert id that the server made."""

HOT_SHARD = "$hotshard_events"
"""Name of an event over the limit of one person or group on one day."""

IDENTITY_EVENTS = ("$identify", "$create_alias", "$merge")


class Event(NamedTuple):
    """A stored event without its properties, which stay in the log until they are read.

    `id` is that of its entry, `at` is when it arrived (virtual seconds).
    `distinct_id` is the one sent, `stored` the id it is kept under; `time` is in seconds since
    1970. `added` is what identity failures add to its properties. `hot`: it is beyond what one
    person or group can have on one day. `first` is the canonical id of its person when it was
    stored.
    """

    id: int
    at: float
    name: str
    distinct_id: str
    time: int | float
    insert_id: str
    stored: str
    added: Mapping[str, Any]
    hot: bool = False
    first: str = ""

    @property
    def day(self) -> int:
        """In days since 1970, UTC."""
        return int(self.time // 86400)


def read_event(
    entry: LogEntry,
    added: Mapping[str, Any],
    place: Callable[[str], str],
    resolve: Callable[[str], str],
) -> Event:
    """The event of an accepted /track or /import entry.

    `place` and `resolve` say under which id a record is stored, and what its canonical id is now.
    A missing time, or one in the future, becomes the time of arrival
    (docs/facts/mixpanel-http-api.md#event-fields, docs/facts/mixpanel-http-api.md#track-responses).
    Without a distinct id the verdict's `sender_id` is used; "" belongs to no person. Without an
    insert id the server makes one, and the event is never a duplicate.
    """
    sent = entry.record["properties"]
    arrival = _in_ms(entry.verdict.received_at)
    time = seconds(sent.get("time"))
    distinct_id = sent_id(sent, entry.verdict.identity) or entry.verdict.sender_id
    stored = place(distinct_id)
    return Event(
        entry.id,
        entry.verdict.received_at,
        intern(entry.record["event"]),
        intern(distinct_id),
        arrival if time is None else min(time, arrival),
        identifier(sent.get("$insert_id")) or f"{MADE}{entry.id}",
        intern(stored),
        added,
        False,
        intern(resolve(stored)),
    )


@lru_cache(100)
def _in_ms(moment: float) -> int | float:
    """A time rounded to the millisecond; all records of a request share it."""
    return whole(round(moment, 3))


def event_properties(event: Event, entry: LogEntry, limits: MixpanelLimits) -> dict[str, Any]:
    """The properties of an event.

    The address in `ip` stays: it was sent (exports, like Mixpanel, do not show it).
    """
    properties = cut(entry.record["properties"], limits.string_characters)
    properties.pop("token", None)
    if entry.verdict.place:
        properties |= event_location(entry.verdict.place)
    if entry.verdict.endpoint == "/import":
        properties["$import"] = True
    if entry.verdict.identity == "simplified":
        properties |= implied(entry.record["properties"])
    properties |= event.added
    if event.hot:
        properties["mp_original_event_name"] = entry.record["event"]
        properties["mp_original_distinct_id"] = event.distinct_id
    return properties


def hot_shard(event: Event) -> Event:
    """An event beyond what one person can have on one day, as Mixpanel stores it
    (docs/facts/mixpanel-http-api.md#dropped-or-altered-events)."""
    return event._replace(name=HOT_SHARD, stored="", first="", hot=True)


def sent_id(properties: Mapping[str, Any], identity: str) -> str:
    """The distinct id an event carries; under simplified, made of user and device
    (docs/facts/mixpanel-http-api.md#simplified-id-merge).

    Under original the documented `$identify` has none: it is the identified person's (choice).
    """
    distinct_id = identifier(properties.get("distinct_id"))
    if identity == "original":
        return distinct_id or identifier(properties.get("$identified_id"))
    if identity != "simplified":
        return distinct_id
    device, user = device_and_user(properties)
    return user or (f"$device:{device}" if device else "")


def device_and_user(properties: Mapping[str, Any]) -> tuple[str, str]:
    """`$device_id` and `$user_id`; a distinct id alone is read as one of them
    (docs/facts/mixpanel-http-api.md#simplified-id-merge)."""
    device = identifier(properties.get("$device_id"))
    user = identifier(properties.get("$user_id"))
    distinct_id = identifier(properties.get("distinct_id"))
    if device or user:
        return device, user
    if distinct_id.startswith("$device:"):
        return distinct_id.removeprefix("$device:"), ""
    return "", distinct_id


def implied(properties: Mapping[str, Any]) -> dict[str, str]:
    """The properties that a distinct id alone becomes under simplified
    (docs/facts/mixpanel-http-api.md#simplified-id-merge)."""
    if identifier(properties.get("$device_id")) or identifier(properties.get("$user_id")):
        return {}
    device, user = device_and_user(properties)
    return {"$device_id": device} if device else {"$user_id": user} if user else {}


def cut(properties: dict[str, Any], limit: int) -> dict[str, Any]:
    """Names and text values cut to `limit` characters (characters, not bytes: a choice,
    docs/facts/mixpanel-http-api.md#event-limits)."""
    for name, value in properties.items():
        if len(name) > limit or (isinstance(value, str) and len(value) > limit):
            break
    else:
        return properties.copy()
    return {
        name[:limit]: value[:limit] if isinstance(value, str) else value
        for name, value in properties.items()
    }
