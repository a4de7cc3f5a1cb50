"""Translators in other styles: our translation in another envelope, or with one bug.

`python envelope.py STYLE [BUG]`. A style changes how records travel and nothing that Mixpanel then
shows; a bug changes what Mixpanel shows.
"""

import json
import sys
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from translator import Settings, SettingsError, translate

Json = dict[str, Any]


def importing(operation: Json) -> Json:
    """Every event to /import with the project's token, in milliseconds, with ids of its own."""
    payload = operation["payload"]
    if "event" not in payload:
        return plain(operation)
    properties = without(payload["properties"], "mp_lib", "mp_name_tag", "id", "$insert_id")
    if "time" in properties:
        properties["time"] = int(properties["time"] * 1000)
    if payload["event"] != "$create_alias":
        insert_id = payload["properties"].get("$insert_id") or str(uuid.uuid4())
        name = uuid.uuid5(uuid.NAMESPACE_URL, f"{payload['event']} {insert_id}")
        properties["$insert_id"] = str(name)
        properties["$user_id"] = properties.get("distinct_id")
    endpoint = "/track" if payload["event"] == "$create_alias" else "/import"
    sent = {"host": operation["host"], "endpoint": endpoint}
    return {
        **sent,
        "payload": {"properties": properties, "event": payload["event"]},
        "auth": {"user": "T", "password": ""},
        "query": {"strict": "0"},
    }


def plain(operation: Json) -> Json:
    """No `?ip=0`, no library, no flags that say what is the default anyway."""
    payload = without(operation["payload"], "mp_lib")
    if payload.get("$ignore_time") is False:
        del payload["$ignore_time"]
    for update in ("$set", "$set_once"):
        if "id" in payload.get(update, {}):
            payload[update] = without(payload[update], "id")
    return {**operation, "payload": payload, "query": {}}


def talkative(operation: Json) -> Json:
    """More properties than were asked for, and objects as objects in place of JSON text."""
    payload = json.loads(json.dumps(operation["payload"]))
    if "event" in payload:
        if payload["event"] != "$create_alias":
            payload["properties"] |= {"$source": "other", "segment_version": 2, "plan_name": None}
        for name, value in payload["properties"].items():
            if isinstance(value, str) and value.startswith("{"):
                payload["properties"][name] = json.loads(value)
    elif payload.get("$set"):
        payload["$set"] |= {"synced_by": "other"}
    return {**operation, "payload": payload}


STYLES: dict[str, Callable[[Json], Json]] = {
    "importing": importing,
    "plain": plain,
    "talkative": talkative,
    "merging": plain,
}


def with_ids(payload: Json, message: Json) -> None:
    """An event has both ids of its message, as projects with ID Merge expect it."""
    if "event" in payload:
        ids = {"$device_id": message.get("anonymousId"), "$user_id": message.get("userId")}
        payload["properties"] |= {name: id for name, id in ids.items() if id}


def without(value: Json, *names: str) -> Json:
    return {key: each for key, each in value.items() if key not in names}


def lose_property(payload: Json) -> None:
    """The first property of the user's own is lost."""
    names = [name for name in payload.get("properties", {}) if not known(name)]
    if names:
        del payload["properties"][names[0]]


def known(name: str) -> bool:
    return name in (
        "distinct_id",
        "time",
        "token",
        "mp_lib",
        "mp_name_tag",
        "id",
        "ip",
        "alias",
    ) or (name.startswith("$"))


def arrays_set(payload: Json) -> None:
    """Arrays replace what is there."""
    if "$union" in payload:
        payload["$set"] = payload.pop("$union")


def no_charge(payload: Json) -> None:
    """Revenue makes no transaction."""
    if "$transactions" in payload.get("$append", {}):
        payload["$append"] = {"last_revenue": 1}


def double_counter(payload: Json) -> None:
    """Counters move twice."""
    if "$add" in payload:
        payload["$add"] = {name: 2 * value for name, value in payload["$add"].items()}


def other_person(payload: Json) -> None:
    """Everything goes to one person."""
    if payload.get("event") != "$create_alias":
        holder = payload.get("properties", payload)
        for name in ("distinct_id", "$distinct_id"):
            if name in holder:
                holder[name] = "everybody"


def hour_late(payload: Json) -> None:
    """Local time is taken for UTC."""
    if "time" in payload.get("properties", {}):
        payload["properties"]["time"] += 3600


def source_everywhere(payload: Json) -> None:
    """The Source Name, which belongs to events, is on profiles too."""
    if "$set" in payload:
        payload["$set"]["segment_source_name"] = "Website"


def other_token(payload: Json) -> None:
    """Everything goes to another project."""
    holder = payload.get("properties", payload)
    for name in ("token", "$token"):
        if name in holder:
            holder[name] = "OTHER"


def odd_updates(payload: Json) -> None:
    """Updates of profiles and groups are lists."""
    if "$set" in payload:
        payload["$set"] = [payload["$set"]]


def no_data(payload: Json) -> None:
    """Records are empty, so Mixpanel refuses them."""
    payload.clear()


BUGS = {
    "no-data": no_data,
    "other-token": other_token,
    "odd-updates": odd_updates,
    "source-everywhere": source_everywhere,
    "lose-property": lose_property,
    "arrays-set": arrays_set,
    "no-charge": no_charge,
    "double-counter": double_counter,
    "other-person": other_person,
    "hour-late": hour_late,
}


def main(style: str, bug: str = "") -> None:
    settings = Settings(token="none")
    for line in sys.stdin:
        ask = json.loads(line)
        reply: Json = {}
        if ask["command"] == "start":
            reply = {"protocol": 1, "name": style, "does": "translate", "tells": ["settings"]}
            try:
                settings = Settings.from_json(ask["settings"])
            except SettingsError as error:
                reply = {"refused": {"key": "settings", "reason": str(error)}}
        elif ask["command"] == "translate":
            now = datetime.fromisoformat(ask["now"])
            reply = {
                "answers": [answer(each, settings, now, style, bug) for each in ask["messages"]]
            }
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


def answer(message: Any, settings: Settings, now: datetime, style: str, bug: str) -> Json:
    if style == "nothing":
        return {"operations": []}
    made = json.loads(json.dumps(translate(message, settings, now=now).as_json()["operations"]))
    for operation in made:
        if style == "merging":
            with_ids(operation["payload"], message)
        if bug:
            BUGS[bug](operation["payload"])
    return {"operations": [STYLES[style](operation) for operation in made]}


if __name__ == "__main__":
    main(*sys.argv[1:])
