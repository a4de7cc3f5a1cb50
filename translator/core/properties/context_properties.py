"""The mapping tables from a message's context to Mixpanel properties.

doc#collecting-contextual-properties; rows from docs/facts/cloud-classic.md#event-payload.
`$library_version` and `$brand` are not mapped, as the doc says.
"""

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from translator.core.values.json_values import detached
from translator.core.values.user_agent import browser

Row = tuple[str, str, str]
"""A row: property, section of the context, key in that section."""

EVENT_ONLY: tuple[Row, ...] = (
    ("$app_version", "app", "version"),
    ("$app_release", "app", "build"),
    ("$device", "device", "name"),
    ("$current_url", "page", "url"),
)
"""Rows for events only."""

DEVICE: tuple[Row, ...] = (
    ("$carrier", "network", "carrier"),
    ("$wifi", "network", "wifi"),
    ("$manufacturer", "device", "manufacturer"),
    ("$model", "device", "model"),
    ("$os", "os", "name"),
    ("$os_version", "os", "version"),
    ("$screen_height", "screen", "height"),
    ("$screen_width", "screen", "width"),
)
"""Rows for events and profiles."""

DEVICE_BY_TYPE: Mapping[str, tuple[Row, ...]] = {
    "iOS": (
        ("$ios_ifa", "device", "advertisingId"),
        ("$ios_device_model", "device", "model"),
        ("$ios_app_release", "app", "build"),
        ("$ios_app_version", "app", "version"),
        ("$ios_version", "os", "version"),
    ),
    "android": (
        ("$screen_dpi", "screen", "density"),
        ("$bluetooth_enabled", "network", "bluetooth"),
        ("$has_telephone", "network", "cellular"),
        ("$android_version_code", "app", "version"),
        ("$android_app_version", "app", "version"),
        ("$android_os", "os", "name"),
        ("$android_os_version", "os", "version"),
        ("$android_model", "device", "model"),
        ("$android_manufacturer", "device", "manufacturer"),
    ),
}
"""Rows for events and profiles if `context.device.type` is exactly this."""

CAMPAIGN = {
    "source": "utm_source",
    "medium": "utm_medium",
    "term": "utm_term",
    "content": "utm_content",
    "name": "utm_campaign",
}
"""Key of `context.campaign` -> UTM property of events (doc#utm-campaign-parameters)."""

INITIAL_REFERRER: tuple[Row, ...] = (
    ("$initial_referrer", "page", "initial_referrer"),
    ("$initial_referrer", "page", "initialReferrer"),
    ("$initial_referring_domain", "page", "initial_referring_domain"),
    ("$initial_referring_domain", "page", "initialReferringDomain"),
)
"""Both spellings of the initial referrer, for events, by the rule `initial_referrer`."""

RENAMED_PROPERTIES = {
    "username": "$username",
    "searchEngine": "$search_engine",
    "referrer": "$referrer",
}
"""Property of the call -> property of the event. The first spelling in the call is renamed."""

Section = tuple[str, tuple[tuple[str, str], ...]]


def by_section(rows: tuple[Row, ...]) -> tuple[Section, ...]:
    """The rows grouped by section, so that neighbouring rows look up their section once.

    If a property has several rows, the first one with a value counts: rows are read from last to
    first.
    """
    by_property: dict[str, list[Row]] = {}
    for row in rows:
        by_property.setdefault(row[0], []).insert(0, row)
    ordered = [row for sources in by_property.values() for row in sources]
    return tuple(
        (section, tuple((name, key) for name, _, key in group))
        for section, group in groupby(ordered, key=itemgetter(1))
    )


class EventTables(NamedTuple):
    """The sources of event properties, except those of devices.

    `campaign` holds pairs of a key and its property. `renamed` maps the normalised name of a call's
    property to Mixpanel's name.
    """

    context: tuple[Section, ...]
    campaign: tuple[tuple[str, str], ...]
    renamed: Mapping[str, str]


class DeviceTables(NamedTuple):
    """The compiled rows for any device, and those for a device of a type."""

    any: tuple[Section, ...]
    by_type: Mapping[str, tuple[Section, ...]]


def collect(
    context: Mapping[str, Any], sections: tuple[Section, ...], into: dict[str, Any]
) -> None:
    """Add the properties whose sources are in the context; an explicit null counts as a value."""
    for section, pairs in sections:
        source = context.get(section)
        if type(source) is dict:
            for name, key in pairs:
                if key in source:
                    into[name] = detached(source[key])


def device_properties(context: Mapping[str, Any], tables: DeviceTables) -> dict[str, Any]:
    """The properties that events and profiles share: browser, device, system, network, screen."""
    found: dict[str, Any] = {}
    agent = context.get("userAgent")
    if type(agent) is str and agent:
        known = browser(agent)
        if known is not None:
            found["$browser"] = known[0]
            if known[1] is not None:
                found["$browser_version"] = known[1]
    device = context.get("device")
    kind = device.get("type") if type(device) is dict else None
    sections = tables.by_type.get(kind, tables.any) if type(kind) is str else tables.any
    collect(context, sections, found)
    return found
