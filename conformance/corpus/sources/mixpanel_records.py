"""Converts records that were sent to Mixpanel to Segment messages, where these can be determined.

A message is known if its translation gives the same record again. Only envelope fields may differ
(ENVELOPE). Every candidate is translated and compared, so a message that would change something is
never given.

    event on /track, /import     track
    `$create_alias`              alias
    `$set` on /engage            identify
    `$set` on /groups            group

A page or screen call comes back as the track call of its event: the same event, so the same record.
Nothing else has a single call as its origin: `$add`, `$append`, `$unset`, ... come from settings or
from other libraries, and Segment has no call for `$identify` and `$merge`.

Sources: docs/facts/cloud-classic.md#event-payload, docs/facts/cloud-classic.md#alias.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.corpus.sources.rows import RowError
from conformance.spec.scenarios.loading import Json
from translator import Settings, translate
from translator.core.values.timestamps import is_in_calendar, iso_milliseconds, parse

EVENTS, PEOPLE, GROUPS = "events", "people", "groups"

ENVELOPE = frozenset(["token", "$insert_id", "mp_lib", "mp_name_tag"])
"""Properties that the translator adds itself; also `id`, if that repeats the distinct id."""

MARK = "Segment: "
"""The beginning of `mp_lib` if Segment sent the event."""

_PATHS = {"track": EVENTS, "import": EVENTS, "engage": PEOPLE, "groups": GROUPS}
_ENDPOINTS = {"/track": EVENTS, "/import": EVENTS, "/engage": PEOPLE, "/groups": GROUPS}
_NO_CALL_EVENTS = frozenset(["$identify", "$merge"])
_UPDATE_ENVELOPE = frozenset(["$token", "$time", "$ignore_time", "mp_lib"])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def kind_of_path(path: str) -> str | None:
    """EVENTS, PEOPLE or GROUPS for a path that takes records, else None."""
    return _PATHS.get(path.strip("/").partition("/")[0].partition("#")[0])


def message_of(kind: str, record: Any, message_id: str, received_ms: int) -> Json:
    """The message of a record.

    `message_id` is its id if the record has no `$insert_id`, `received_ms` its time if it has none,
    in milliseconds since 1970. Raises RowError if the message cannot be known.
    """
    if type(record) is not dict:
        raise RowError("not_a_record", "a record must be a JSON object")
    if kind == EVENTS:
        return _event(record, message_id, received_ms)
    if kind == PEOPLE:
        return _identify(record, message_id, received_ms)
    return _group(record, message_id, received_ms)


def _event(record: Json, message_id: str, received_ms: int) -> Json:
    event, properties = record.get("event"), record.get("properties")
    if type(event) is not str or type(properties) is not dict:
        raise RowError("not_a_record", "an event must have a name and properties")
    if event in _NO_CALL_EVENTS:
        raise RowError("no_segment_call", f"Segment has no call that sends {event}")
    distinct_id = properties.get("distinct_id")
    if event == "$create_alias":
        message = _message("alias", message_id, received_ms)
        message |= {"userId": properties.get("alias"), "previousId": distinct_id}
        wanted = {key: value for key, value in properties.items() if key not in ENVELOPE}
        return _checked(message, EVENTS, {"event": event, "properties": wanted}, received_ms)
    wanted = {
        key: value
        for key, value in properties.items()
        if key not in ENVELOPE and value is not None and (key != "id" or value != distinct_id)
    }
    time_ms = parse(wanted.get("time"))
    if time_ms is None:
        time_ms = received_ms
        wanted.pop("time", None)
    else:
        wanted["time"] = time_ms // 1000
    insert_id = properties.get("$insert_id")
    known_id = insert_id if type(insert_id) is str and insert_id else message_id
    message = _message("track", known_id, time_ms)
    message |= {_id_field(properties): distinct_id, "event": event}
    message["properties"] = {
        key: value for key, value in wanted.items() if key not in ("distinct_id", "time", "ip")
    }
    context: Json = {"ip": wanted["ip"]} if "ip" in wanted else {}
    library = properties.get("mp_lib")
    if type(library) is str and library.startswith(MARK):
        context["library"] = {"name": library.removeprefix(MARK)}
    if context:
        message["context"] = context
    return _checked(message, EVENTS, {"event": event, "properties": wanted}, time_ms)


def _id_field(properties: Json) -> str:
    """The field from which the distinct id came.

    An event from Segment has `id` if the call had a userId; without one it was the anonymousId.
    """
    distinct_id, library = properties.get("distinct_id"), properties.get("mp_lib")
    if type(library) is str and library.startswith(MARK):
        return "userId" if properties.get("id") == distinct_id else "anonymousId"
    device = type(distinct_id) is str and distinct_id.startswith("$device:")
    return "anonymousId" if device else "userId"


def _identify(record: Json, message_id: str, received_ms: int) -> Json:
    traits = _only_set(record, "$distinct_id", "$ip")
    time_ms = parse(record.get("$time"))
    time_ms = received_ms if time_ms is None else time_ms
    distinct_id, address = record.get("$distinct_id"), record.get("$ip", 0)
    traits = {key: value for key, value in traits.items() if (key, value) != ("id", distinct_id)}
    message = _message("identify", message_id, time_ms)
    message |= {"userId": distinct_id, "traits": traits}
    if address != 0:
        message["context"] = {"ip": address}
    wanted = {"$distinct_id": distinct_id, "$ip": address, "$set": traits}
    return _checked(message, PEOPLE, wanted, time_ms)


def _group(record: Json, message_id: str, received_ms: int) -> Json:
    traits = _only_set(record, "$group_key", "$group_id")
    key, group_id = record.get("$group_key"), record.get("$group_id")
    message = _message("group", message_id, received_ms) | {"groupId": group_id, "traits": traits}
    wanted = {"$group_key": key, "$group_id": group_id, "$set": traits}
    return _checked(message, GROUPS, wanted, received_ms)


def _only_set(record: Json, *ids: str) -> Json:
    """The properties of an update that only sets. Raises RowError for other updates."""
    others = sorted(set(record) - _UPDATE_ENVELOPE - {*ids, "$set"})
    if others:
        raise RowError("no_segment_call", f"no single call of Segment sends {others[0][:40]!r}")
    properties = record.get("$set")
    if type(properties) is not dict:
        raise RowError("not_a_record", "an update must have $set with an object")
    return properties


def _message(kind: str, message_id: str, time_ms: int) -> Json:
    if not is_in_calendar(time_ms):
        raise RowError("bad_value", "the time is not in the years 1 to 9999")
    return {"type": kind, "messageId": message_id, "timestamp": iso_milliseconds(time_ms)}


def _checked(message: Json, kind: str, wanted: Json, time_ms: int) -> Json:
    """The message, if its translation gives the wanted record. Raises RowError if it does not."""
    key = wanted.get("$group_key")
    settings = Settings(
        token="-",  # noqa: S106
        apiSecret="-",
        people=True,
        setAllTraitsByDefault=True,
        groupIdentifierTraits=(key,) if type(key) is str else (),
    )
    result = translate(message, settings, now=_EPOCH + timedelta(milliseconds=time_ms))
    if result.error is not None:
        raise RowError("not_the_same", f"the message would be an error: {result.error.code}")
    made = [each.payload for each in result.operations if _ENDPOINTS[each.endpoint] == kind]
    if len(made) != 1:
        raise RowError("not_the_same", f"the message would give {len(made)} records, not one")
    changed = _difference(wanted, made[0])
    if changed is not None:
        raise RowError("not_the_same", f"translating the message would change {changed[:40]!r}")
    return message


def _difference(wanted: Json, found: Json) -> str | None:
    """The name of a field that is not the same in both records, without envelope fields."""
    for name, value in wanted.items():
        if name in ("properties", "$set"):
            both = value, found.get(name, {})
            changed = _changed_property(*both, wanted)
            if changed is not None:
                return changed
        elif not _same(value, found.get(name)):
            return name
    return None


def _changed_property(wanted: Json, found: Json, record: Json) -> str | None:
    person = found.get("distinct_id", record.get("$distinct_id"))
    for name in sorted(wanted.keys() | found.keys()):
        added_again = name in ENVELOPE or (name == "id" and found.get("id") == person)
        if name in wanted and not _same(wanted[name], found.get(name)):
            return name
        if name not in wanted and not added_again and name != "time":
            return name
    return None


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; 1, 1.0 and True are three values."""
    if type(one) is not type(other):
        return False
    if type(one) is dict:
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if type(one) is list:
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
