"""Bugs in events: their names, their properties, their number."""

from collections.abc import Mapping
from typing import Any

from conformance.mutants.tools import Broken, is_event, with_changed_operations, without_rule
from conformance.targets.target import Translate
from translator import Operation, Result, translate


def _renaming(names: Mapping[str, str]) -> Translate:
    """Event properties under other names; two may change places."""

    def change(operation: Operation, message: Any) -> Operation:
        if is_event(operation):
            properties = operation.payload["properties"]
            moved = {new: properties.pop(old) for old, new in names.items() if old in properties}
            properties.update(moved)
        return operation

    return with_changed_operations(change)


def _screens_are_pages(operation: Operation, message: Any) -> Operation:
    if message.get("type") == "screen" and is_event(operation):
        operation.payload["event"] = operation.payload["event"].replace("Screen", "Page")
    return operation


def _milliseconds(operation: Operation, message: Any) -> Operation:
    properties = operation.payload.get("properties", {})
    if "time" in properties:
        properties["time"] *= 1000
    return operation


def _changes_its_input(message: Any, settings: Any, **options: Any) -> Result:
    result = translate(message, settings, **options)
    if isinstance(message, dict) and isinstance(message.get("properties"), dict):
        message["properties"]["token"] = settings.token
    return result


EVENTS = (
    Broken(
        "one-page-event",
        "With several page options on, only the first one sends its event.",
        "decision:page-duplicates",
        "page/*",
        without_rule("page_events"),
    ),
    Broken(
        "screens-are-pages",
        "Screen calls are called pages.",
        "segment-integrations/integration-mixpanel#13",
        "page/*",
        with_changed_operations(_screens_are_pages),
    ),
    Broken(
        "campaign-name-not-mapped",
        "The campaign's name arrives as utm_name.",
        "rudderlabs/rudder-transformer#714",
        "utm/*",
        _renaming({"utm_campaign": "utm_name"}),
    ),
    Broken(
        "version-and-build-swapped",
        "The app's version and build change places.",
        "rudderlabs/rudder-transformer#4072",
        "contextual_properties/*",
        _renaming({"$app_version": "$app_release", "$app_release": "$app_version"}),
    ),
    Broken(
        "source-name-missing",
        "The Source Name setting does nothing.",
        "doc#source-name",
        "source_name/*",
        without_rule("source_name"),
    ),
    Broken(
        "time-in-milliseconds",
        "The event's time is in another unit than observed.",
        "capture:cloud-s-001-track-basic",
        "time/*",
        with_changed_operations(_milliseconds),
    ),
    Broken(
        "input-mutated",
        "Translating leaves a mark in the caller's message.",
        "unsourced",
        "track/*",
        _changes_its_input,
    ),
)
