"""Bugs that give data to the wrong person, or make one person two."""

import uuid
from typing import Any

from conformance.mutants.tools import (
    Broken,
    is_event,
    with_changed_message,
    with_changed_operations,
    without_rule,
)
from translator import Operation


def _swap_alias(operation: Operation, message: Any) -> Operation:
    properties = operation.payload.get("properties", {})
    if operation.payload.get("event") == "$create_alias":
        properties["alias"], properties["distinct_id"] = (
            properties["distinct_id"],
            properties["alias"],
        )
    return operation


def _anonymous_first(message: Any) -> Any:
    if message.get("anonymousId") and message.get("userId"):
        return message | {"userId": message["anonymousId"]}
    return message


def _random_insert_id(operation: Operation, message: Any) -> Operation:
    if "$insert_id" in operation.payload.get("properties", {}):
        operation.payload["properties"]["$insert_id"] = str(uuid.uuid4())
    return operation


def _insert_id_of_message(operation: Operation, message: Any) -> Operation:
    if "$insert_id" in operation.payload.get("properties", {}):
        made = uuid.uuid5(uuid.NAMESPACE_URL, str(message.get("messageId")))
        operation.payload["properties"]["$insert_id"] = str(made)
    return operation


def _users_property(name: str) -> Any:
    def change(operation: Operation, message: Any) -> Operation:
        properties = message.get("properties")
        if is_event(operation) and isinstance(properties, dict) and name in properties:
            operation.payload["properties"][name] = properties[name]
        return operation

    return with_changed_operations(change)


IDENTITIES = (
    Broken(
        "alias-swapped",
        "An alias goes from the user id to the previous id.",
        "rudderlabs/rudder-transformer#2395",
        "alias/*",
        with_changed_operations(_swap_alias),
    ),
    Broken(
        "alias-to-itself",
        "An alias of an id to itself is sent.",
        "rudderlabs/rudder-transformer#2401",
        "alias/*",
        without_rule("alias_to_itself"),
    ),
    Broken(
        "anonymous-first",
        "A known user's data goes to the anonymous id.",
        "doc#distinct-id",
        "distinct_id/*",
        with_changed_message(_anonymous_first),
    ),
    Broken(
        "insert-id-random",
        "The insert id changes with every translation, so a retry counts twice.",
        "segmentio/action-destinations#824",
        "insert_id/*",
        with_changed_operations(_random_insert_id),
    ),
    Broken(
        "insert-id-per-message",
        "All events of a page call share an insert id, so all but one vanish.",
        "rudderlabs/rudder-transformer#1503",
        "insert_id/*",
        with_changed_operations(_insert_id_of_message),
    ),
    Broken(
        "users-token-wins",
        "A property called token sends the event to another project.",
        "segment-boneyard/analytics.js-integrations#192",
        "reserved_properties/*",
        _users_property("token"),
    ),
    Broken(
        "users-distinct-id-wins",
        "A property called distinct_id gives the event to another person.",
        "segmentio/action-destinations#842",
        "reserved_properties/*",
        _users_property("distinct_id"),
    ),
)
