"""A driver of our own translator in another style, or broken on purpose.

    python migrating.py STYLE

`envelope` sends the same to Mixpanel in another way; every other style changes what Mixpanel holds.
"""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

from translator import Settings, translate

Operation = dict[str, Any]


def envelope(operation: Operation) -> Operation | None:
    """/import for /track, milliseconds, another insert id, `$ip: 0`."""
    payload = operation["payload"]
    if operation["endpoint"] != "/track" or payload["event"] == "$create_alias":
        return (
            {**operation, "payload": {**payload, "$ip": "0"}} if "$token" in payload else operation
        )
    properties = dict(reversed(payload["properties"].items()))
    properties |= {"time": properties["time"] * 1000, "$insert_id": properties["$insert_id"][::-1]}
    payload = {**payload, "properties": properties}
    query, auth = {"strict": "1", "project_id": "7"}, {"user": "account", "password": "secret"}
    return {**operation, "endpoint": "/import", "payload": payload, "query": query, "auth": auth}


def lost_property(operation: Operation) -> Operation | None:
    """No event has its `plan`."""
    operation["payload"].get("properties", {}).pop("plan", None)
    return operation


def lost_event(operation: Operation) -> Operation | None:
    """`Signed Up` is not sent."""
    return None if operation["payload"].get("event") == "Signed Up" else operation


def renamed_event(operation: Operation) -> Operation | None:
    """`Signed Up` has another name."""
    if operation["payload"].get("event") == "Signed Up":
        operation["payload"]["event"] = "Registered"
    return operation


def hour_late(operation: Operation) -> Operation | None:
    """Events are an hour older."""
    if "time" in operation["payload"].get("properties", {}):
        operation["payload"]["properties"]["time"] -= 3600
    return operation


def two_shifts(operation: Operation) -> Operation | None:
    """Events are an hour older, those of one person five hours and a half."""
    properties = operation["payload"].get("properties", {})
    if "time" in properties:
        properties["time"] -= 19800 if properties["distinct_id"] == "bo" else 3600
    return operation


def no_charge(operation: Operation) -> Operation | None:
    """Charges are not sent."""
    return None if "$append" in operation["payload"] else operation


def _with_multiplied_counters(operation: Operation, factor: int) -> Operation:
    added = operation["payload"].get("$add")
    if added:
        operation["payload"]["$add"] = {key: factor * value for key, value in added.items()}
    return operation


def doubled_counter(operation: Operation) -> Operation | None:
    """Counters grow twice as fast."""
    return _with_multiplied_counters(operation, 2)


def array_set(operation: Operation) -> Operation | None:
    """Arrays replace what the profile has."""
    payload = operation["payload"]
    if "$union" in payload:
        payload["$set"] = payload.pop("$union")
    return operation


def no_alias(operation: Operation) -> Operation | None:
    """Anonymous and known ids are not linked."""
    return None if operation["payload"].get("event") == "$create_alias" else operation


def another_person(operation: Operation) -> Operation | None:
    """Everybody is one person."""
    payload = operation["payload"]
    if payload.get("event") not in (None, "$create_alias"):
        payload["properties"]["distinct_id"] = "everybody"
    return operation


def amounts_as_text(operation: Operation) -> Operation | None:
    """The amount of a charge is text with a currency."""
    appended = operation["payload"].get("$append")
    if appended:
        charge = appended["$transactions"]
        charge["$amount"] = f"${charge['$amount']}"
    return operation


def moved_events(operation: Operation) -> Operation | None:
    """Events of one person reach another one, who is in both projects."""
    properties = operation["payload"].get("properties", {})
    if properties.get("distinct_id") == "bo":
        properties["distinct_id"] = "ann"
    return operation


def long_insert_ids(operation: Operation) -> Operation | None:
    """Events go to /import with insert ids that are longer than Mixpanel allows."""
    changed = envelope(operation)
    if changed and changed["endpoint"] == "/import":
        changed["payload"]["properties"]["$insert_id"] *= 2
    return changed


def one_deep_event(operation: Operation) -> Operation | None:
    """The first event is nested too deeply to be read."""
    if operation["payload"].get("properties", {}).get("plan") == "x":
        value: Any = 1
        for _ in range(60):
            value = {"a": value}
        operation["payload"]["properties"]["deep"] = value
    return operation


def other_path(operation: Operation) -> Operation | None:
    """Events go to a path that Mixpanel does not have."""
    return {**operation, "endpoint": operation["endpoint"].replace("/track", "/tracks")}


def doubled_events(operation: Operation) -> list[Operation]:
    """Each event is sent twice, under two insert ids."""
    payload = operation["payload"]
    if "event" not in payload or payload["event"] == "$create_alias":
        return [operation]
    properties = {**payload["properties"]}
    properties["$insert_id"] = str(properties.get("$insert_id"))[::-1]
    return [operation, {**operation, "payload": {**payload, "properties": properties}}]


def swapped_groups(operation: Operation) -> Operation | None:
    """Companies are teams, and teams are companies."""
    payload = operation["payload"]
    if "$group_key" in payload:
        payload["$group_key"] = {"company": "team", "team": "company"}[payload["$group_key"]]
    return operation


def prefixed_names(operation: Operation) -> Operation | None:
    """The name of each event has a prefix."""
    if operation["payload"].get("event") not in (None, "$create_alias"):
        operation["payload"]["event"] = f"app: {operation['payload']['event']}"
    return operation


def prefixed_ids(operation: Operation) -> Operation | None:
    """Each id of a person has a prefix."""
    for record in (operation["payload"], operation["payload"].get("properties", {})):
        for name in ("distinct_id", "$distinct_id", "alias"):
            if name in record:
                record[name] = f"user:{record[name]}"
    return operation


def other_region(operation: Operation) -> Operation | None:
    """All records go to the EU."""
    return {**operation, "host": "https://api-eu.mixpanel.com"}


def other_project(operation: Operation) -> Operation | None:
    """All records go to another project."""
    payload = operation["payload"]
    if "event" in payload:
        payload["properties"]["token"] = "another"
    else:
        payload["$token"] = "another"
    return operation


def numbers_as_text(operation: Operation) -> Operation | None:
    """Numbers in properties of events are text."""
    properties = operation["payload"].get("properties", {})
    for name, value in properties.items():
        if name != "time" and type(value) in (int, float):
            properties[name] = str(value)
    return operation


def tripled_counters(operation: Operation) -> Operation | None:
    """Counters grow three times as fast."""
    return _with_multiplied_counters(operation, 3)


def counter_of_another_person(operation: Operation) -> Operation | None:
    """What is added to the counters of one person is added to those of another one."""
    payload = operation["payload"]
    if "$add" in payload and payload["$distinct_id"] == "bo":
        payload["$distinct_id"] = "ann"
    return operation


def amounts_that_cancel_out(operation: Operation) -> Operation | None:
    """One person pays 1 more, the other one 1 less."""
    payload = operation["payload"]
    if "$append" in payload:
        more = {"ann": 1, "bo": -1}[payload["$distinct_id"]]
        payload["$append"]["$transactions"]["$amount"] += more
    return operation


def early_charges(operation: Operation) -> Operation | None:
    """Charges have another time."""
    payload = operation["payload"]
    if "$append" in payload:
        payload["$append"]["$transactions"]["$time"] = "2020-01-01T00:00:00"
    return operation


def truth_as_number(operation: Operation) -> Operation | None:
    """A property of a profile is 1, and no longer true."""
    traits = operation["payload"].get("$set", {})
    operation["payload"] |= {"$set": {**traits, "paid": 1}} if "paid" in traits else {}
    return operation


def prefixed_and_doubled(operation: Operation) -> list[Operation]:
    """The name of each event has a prefix, and each event is sent twice."""
    prefixed = prefixed_names(operation)
    return doubled_events(prefixed) if prefixed else []


Style = Callable[[Operation], Operation | list[Operation] | None]

STYLES: dict[str, Style] = {
    style.__name__: style
    for style in (
        *(envelope, lost_property, lost_event, renamed_event, hour_late, no_charge),
        *(doubled_counter, array_set, no_alias, another_person),
        *(amounts_as_text, moved_events, long_insert_ids),
        *(one_deep_event, other_path, doubled_events, swapped_groups),
        *(prefixed_names, prefixed_ids, other_region, other_project),
        *(numbers_as_text, tripled_counters, counter_of_another_person),
        *(amounts_that_cancel_out, early_charges, truth_as_number, two_shifts),
        *(prefixed_and_doubled,),
    )
}


def styled(operations: list[Operation], style: Style) -> list[Operation]:
    """The operations in a style."""
    made = map(style, operations)
    several = (each if isinstance(each, list) else [each] for each in made)
    return [operation for some in several for operation in some if operation]


def main() -> None:
    """Answer each line of standard input, until it ends."""
    style = STYLES[sys.argv[1]]
    settings = Settings(token="T")
    for line in sys.stdin:
        ask = json.loads(line)
        reply: dict[str, Any] = {}
        if ask["command"] == "start":
            settings = Settings.from_json(ask["settings"])
            reply = {"protocol": 1, "does": "translate", "tells": ["errors"]}
        elif ask["command"] == "translate":
            now = datetime.fromisoformat(ask["now"])
            answers = [
                translate(message, settings, now=now).as_json() for message in ask["messages"]
            ]
            for answer in answers:
                answer["operations"] = styled(answer["operations"], style)
            reply = {"answers": answers}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
