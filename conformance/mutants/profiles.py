"""Bugs in profiles of people and groups, charges and increments."""

from typing import Any

from conformance.mutants.tools import (
    Broken,
    with_changed_message,
    with_changed_operations,
    without_rule,
)
from translator import Operation, Result, translate


def _set_once_is_set(operation: Operation, message: Any) -> Operation:
    if "$set_once" in operation.payload:
        operation.payload["$set"] = operation.payload.pop("$set_once")
    return operation


def _email_not_renamed(operation: Operation, message: Any) -> Operation:
    traits = operation.payload.get("$set", {})
    if "$email" in traits:
        traits["email"] = traits.pop("$email")
    return operation


def _always_active(message: Any) -> Any:
    context = message.get("context")
    if isinstance(context, dict) and "active" in context:
        return message | {"context": {key: context[key] for key in context if key != "active"}}
    return message


def _any_group(message: Any, settings: Any, **options: Any) -> Result:
    result = translate(message, settings, **options)
    if not any(skip.code.startswith("group_") for skip in result.skipped):
        return result
    payload = {
        "$token": settings.token,
        "$group_key": (settings.groupIdentifierTraits or ("company",))[0],
        "$group_id": message.get("groupId"),
        "$set": message.get("traits", {}),
    }
    host = "https://api.mixpanel.com"
    return result._replace(operations=(Operation("/groups", host, payload),))


def _counts_anonymous(message: Any, settings: Any, **options: Any) -> Result:
    result = translate(message, settings, **options)
    if not any(skip.code == "unknown_user" for skip in result.skipped):
        return result
    return translate({**message, "userId": message["anonymousId"]}, settings, **options)


def _counts_text(message: Any, settings: Any, **options: Any) -> Result:
    properties = message.get("properties") if isinstance(message, dict) else None
    if isinstance(properties, dict):
        numbers = {
            name: float(value)
            for name, value in properties.items()
            if name in settings.propIncrements and isinstance(value, str) and value.isdigit()
        }
        message = {**message, "properties": {**properties, **numbers}}
    return translate(message, settings, **options)


PROFILES = (
    Broken(
        "set-once-is-set",
        "Group Traits to Set Once are overwritten every time.",
        "doc#group-traits-to-set-once",
        "group/*",
        with_changed_operations(_set_once_is_set),
    ),
    Broken(
        "any-group",
        "A group call without a configured trait is sent with its groupId.",
        "rudderlabs/rudder-transformer#2318",
        "group/*",
        _any_group,
    ),
    Broken(
        "charge-without-people",
        "Revenue is charged although Use Mixpanel People is off.",
        "segmentio/analytics-ios#262",
        "track_charge/*",
        without_rule("charge_needs_people"),
    ),
    Broken(
        "increments-for-anonymous",
        "Events of anonymous visitors are counted on profiles.",
        "doc#incrementing-events",
        "incrementing_events/*",
        _counts_anonymous,
    ),
    Broken(
        "text-is-a-number",
        "A property that is text is added up.",
        "rudderlabs/rudder-transformer#2634",
        "incrementing_properties/*",
        _counts_text,
    ),
    Broken(
        "arrays-set",
        "An array trait replaces the values that were there.",
        "doc#arrays",
        "arrays/*",
        without_rule("array_traits"),
    ),
    Broken(
        "email-not-renamed",
        "The email arrives under a name that Mixpanel sends no mail to.",
        "rudderlabs/rudder-transformer#953",
        "special_traits/*",
        with_changed_operations(_email_not_renamed),
    ),
    Broken(
        "always-active",
        "context.active false is ignored, so Last Seen moves.",
        "segment-integrations/integration-mixpanel#27",
        "last_seen/*",
        with_changed_message(_always_active),
    ),
    Broken(
        "all-traits",
        "With an explicit list all traits are still set.",
        "segment-integrations/analytics-android-integration-mixpanel#14",
        "explicit_properties/*",
        without_rule("people_properties"),
    ),
)
