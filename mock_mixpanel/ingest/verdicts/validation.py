"""Validates records: yields the problems of each.

Rules and limits: docs/facts/mixpanel-http-api.md#event-fields,
docs/facts/mixpanel-http-api.md#event-limits, docs/facts/mixpanel-http-api.md#track-responses,
docs/facts/mixpanel-http-api.md#dropped-or-altered-events,
docs/facts/mixpanel-http-api.md#strict-validation, docs/facts/mixpanel-http-api.md#profile-requests,
docs/facts/mixpanel-http-api.md#profile-operations,
docs/facts/mixpanel-http-api.md#profile-modifiers, docs/facts/mixpanel-http-api.md#group-profiles.
Only what the documentation calls over a limit is refused.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from mock_mixpanel.ingest.verdicts.problems import NO_DATA, NO_DISTINCT_ID, NO_TOKEN, Problem
from mock_mixpanel.json_values import identifier, json_bytes, same, seconds, text
from mock_mixpanel.projects.config import DropFilter, MixpanelLimits
from mock_mixpanel.state.events.event import IDENTITY_EVENTS, device_and_user
from mock_mixpanel.state.profiles import operations

BLOCKED_IDS = frozenset(
    {
        "00000000-0000-0000-0000-000000000000",
        *("anon", "anonymous", "nil", "none", "null", "n/a", "na", "undefined", "unknown", "<nil>"),
        *("0", "-1", "true", "false", "[]", "{}"),
    }
)
"""Ids a strict import refuses; compared without regard to case
(docs/facts/mixpanel-http-api.md#strict-validation)."""

DROPPED_EVENTS = frozenset({"mp_page_view"})
"""Events of Mixpanel's own use that it does not store (mixpanel/mixpanel-js#64)."""

_INSERT_ID = re.compile(r"[A-Za-z0-9-]+")


def event_problems(
    record: Any, endpoint: str, now: float, limits: MixpanelLimits, *, strict: bool = False
) -> Iterator[Problem]:
    """The problems of a record for /track or /import, at virtual time `now` (seconds)."""
    if not isinstance(record, dict) or not record:
        yield NO_DATA
        return
    properties = record.get("properties")
    if endpoint == "/track" and not _token(properties, "token"):
        yield NO_TOKEN
    if not isinstance(record.get("event"), str) or not record["event"]:
        yield Problem("event, missing or empty")
    if not isinstance(properties, dict):
        yield Problem("properties: not an object")
        return
    if properties.get("$ignore") is True or _is_text(properties.get("$ignore")):
        yield Problem("$ignore: set", silent=True)
    if isinstance(record.get("event"), str) and record["event"] in DROPPED_EVENTS:
        yield Problem(f"event: Mixpanel drops {record['event']}", silent=True)
    if endpoint == "/track" and record.get("event") == "$merge":
        yield Problem("event: $merge is taken by /import only")
    identity = record.get("event") in IDENTITY_EVENTS
    yield from _time_problems(properties, endpoint, now, limits, strict and not identity)
    if strict and not identity:
        yield from strict_id_problems(properties, limits)
    yield from _size_problems(record, "properties", limits)
    yield from _shape_problems(properties, limits)


def identity_note(record: Mapping[str, Any], mode: str) -> str | None:
    """The reason why a stored identity event links nothing under an identity mode
    (docs/facts/mixpanel-http-api.md#three-identity-systems).

    Under simplified it may link by its device and user, as any event does; SDKs send both along.
    """
    name = record["event"]
    linking = {
        "legacy": name == "$create_alias",
        "original": True,
        "simplified": all(device_and_user(record["properties"])),
    }
    if name not in IDENTITY_EVENTS or linking[mode]:
        return None
    return f"event: {name} has no effect under {mode} identity"


def size_note(properties: Mapping[str, Any], limits: MixpanelLimits) -> str | None:
    """A note on a property that Mixpanel may cut; the mock stores it
    (docs/facts/mixpanel-http-api.md#event-limits)."""
    for name, value in properties.items():
        if isinstance(value, dict | list) and json_bytes(value) > limits.property_bytes:
            return f"properties.{name}: larger than {limits.property_bytes} bytes"
    return None


def bucket_note(properties: Mapping[str, Any]) -> str | None:
    """A note that a property hides the event from reports in Mixpanel, but not in the mock
    (docs/facts/mixpanel-http-api.md#event-fields).

    Of `bucket`, Segment's documentation says that only the property itself is not shown.
    """
    hidden = "$bucket" in properties
    return "properties.$bucket: it hides events from Mixpanel's reports" if hidden else None


def filter_problems(record: Mapping[str, Any], filters: Sequence[DropFilter]) -> Iterator[Problem]:
    """The problem if a drop filter of the project drops an event; the reply is success
    (docs/facts/mixpanel-http-api.md#dropped-or-altered-events)."""
    for drop in filters:
        if _dropped(record, drop):
            yield Problem(f"drop filter: {_shown(drop)}", silent=True)
            return


def _dropped(record: Mapping[str, Any], drop: DropFilter) -> bool:
    properties = record["properties"]
    if drop.event is not None and drop.event != record["event"]:
        return False
    if drop.property is None:
        return True
    return drop.property in properties and (
        drop.value is None or same(drop.value, properties[drop.property])
    )


def _shown(drop: DropFilter) -> str:
    event = [] if drop.event is None else [f"event {drop.event}"]
    name = [] if drop.property is None else [f"property {drop.property}"]
    value = [] if drop.value is None else [f"value {text(drop.value)}"]
    return ", ".join([*event, *name, *value])


def group_note(record: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    """A note that a group key is not one of the project's. The record is stored (choice)."""
    key = identifier(record["$group_key"])
    return (
        None
        if not keys or key in keys
        else f"$group_key: {key!r} is not one of the project's group_keys"
    )


def alias_problems(record: Mapping[str, Any]) -> Iterator[Problem]:
    """The reason why a legacy `$create_alias` cannot link two ids; the reply is success
    (docs/facts/mixpanel-http-api.md#original-id-merge)."""
    properties = record["properties"]
    for name in ("alias", "distinct_id"):
        if not identifier(properties.get(name)):
            yield Problem(f"{name}, missing or empty", silent=True)
            return
    if identifier(properties["alias"]) == identifier(properties["distinct_id"]):
        yield Problem("alias: the same as distinct_id", silent=True)


def profile_problems(record: Any, limits: MixpanelLimits) -> Iterator[Problem]:
    """The problems of a record for /engage."""
    yield from _update_problems(record, limits, ["$distinct_id"])


def group_problems(record: Any, limits: MixpanelLimits) -> Iterator[Problem]:
    """The problems of a record for /groups."""
    yield from _update_problems(record, limits, ["$group_key", "$group_id"])
    if isinstance(record, dict) and "$distinct_id" in record:
        yield Problem("$distinct_id: not allowed in a group update")


def _update_problems(record: Any, limits: MixpanelLimits, ids: list[str]) -> Iterator[Problem]:
    if not isinstance(record, dict) or not record:
        yield NO_DATA
        return
    if not _token(record, "$token"):
        yield NO_TOKEN
    for name in ids:
        if not identifier(record.get(name)):
            known = NO_DISTINCT_ID if name == "$distinct_id" else None
            yield known or Problem(f"{name}, missing or empty")
    yield from map(Problem, operations.faults(record))
    yield from _size_problems(record, "", limits)


def _token(holder: Any, name: str) -> bool:
    return isinstance(holder, dict) and _is_text(holder.get(name))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _time_problems(
    properties: Mapping[str, Any], endpoint: str, now: float, limits: MixpanelLimits, required: bool
) -> Iterator[Problem]:
    if properties.get("time") is None and not required:
        return
    time = seconds(properties.get("time"))
    field = "properties.time"
    if time is None:
        missing = properties.get("time") is None
        yield Problem(
            "time, missing or empty" if missing else "time: not a number",
            field=field,
            message=f"'{field}' is invalid: must be specified as seconds since epoch",
        )
    elif endpoint == "/track":
        if time < now - limits.track_age:
            yield Problem(f"time: older than {limits.track_age / 86400:g} days", field=field)
    elif time < limits.import_earliest:
        yield Problem("time: before 1971-01-01", field=field)
    elif time > now + limits.import_future:
        hours = limits.import_future / 3600
        yield Problem(f"time: more than {hours:g} hour in the future", field=field)


def strict_id_problems(properties: Mapping[str, Any], limits: MixpanelLimits) -> Iterator[Problem]:
    """The problems of the ids of an event in a strict import."""
    distinct_id = identifier(properties.get("distinct_id"))
    if distinct_id.lower() in BLOCKED_IDS:
        yield Problem("distinct_id: a forbidden value", field="properties.distinct_id")
    insert_id = identifier(properties.get("$insert_id"))
    if not insert_id:
        yield Problem("$insert_id, missing or empty")
    elif not _INSERT_ID.fullmatch(insert_id):
        yield Problem("$insert_id: must only contain alphanumeric or hyphen '-' characters")
    elif len(insert_id.encode()) > limits.insert_id_bytes:
        yield Problem(f"$insert_id: longer than {limits.insert_id_bytes} bytes")
    elif insert_id.lower() in BLOCKED_IDS:
        yield Problem("$insert_id: a forbidden value")


def _size_problems(record: Any, inside: str, limits: MixpanelLimits) -> Iterator[Problem]:
    """Problems of size and encoding; the texts of the member `inside` are checked one by one."""
    try:
        size = len(orjson.dumps(record))
    except TypeError:
        size = json_bytes(record)
        if inside:
            yield from _text_problems({k: v for k, v in record.items() if k != inside}, "")
            yield from _text_problems(record[inside], f"{inside}.")
        else:
            yield from _text_problems(record, "")
    if size > limits.record_bytes:
        yield Problem(f"record: larger than {limits.record_bytes} bytes")


def _text_problems(members: Mapping[str, Any], inside: str) -> Iterator[Problem]:
    for name, value in members.items():
        if _has_surrogate([name, value]):
            field = inside + name.encode(errors="replace").decode()
            fault = "string should be valid utf8"
            yield Problem(f"{field}: {fault}", False, field, f"{field} is invalid: {fault}")


def _has_surrogate(value: Any) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in json.dumps(value, ensure_ascii=False))


def _shape_problems(properties: Mapping[str, Any], limits: MixpanelLimits) -> Iterator[Problem]:
    if len(properties) - ("token" in properties) > limits.properties:
        yield Problem(f"properties: more than {limits.properties}")
    for name, value in properties.items():
        if isinstance(value, dict | list):
            fault = _nesting_fault(value, limits)
            if fault:
                yield Problem(f"properties.{name}: {fault}")


def _nesting_fault(value: Any, limits: MixpanelLimits, depth: int = 0) -> str | None:
    if isinstance(value, dict):
        depth += 1
        if depth > limits.depth:
            return f"nested deeper than {limits.depth} levels"
        if len(value) > limits.keys:
            return f"more than {limits.keys} keys"
    elif len(value) > limits.elements:
        return f"more than {limits.elements} elements"
    inner = value.values() if isinstance(value, dict) else value
    faults = (_nesting_fault(one, limits, depth) for one in inner if isinstance(one, dict | list))
    return next((fault for fault in faults if fault), None)
