"""The mapping tables from a message's context to Mixpanel properties.

doc#collecting-contextual-properties; rows from facts/cloud-classic section 4. `$library_version`
and `$brand` are not mapped, as the doc says.
"""

from collections.abc import Mapping
from typing import Any

from translator.user_agent import browser
from translator.values import detached

Row = tuple[str, str, str]
"""Property, section of the context, key in that section."""

EVENT_ONLY: tuple[Row, ...] = (
    ("$app_version", "app", "version"),
    ("$app_release", "app", "build"),
    ("$device", "device", "name"),
    ("$current_url", "page", "url"),
)
"""On events only."""

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
"""On events and profiles."""

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
"""On events and profiles of a device of exactly this `context.device.type`."""

CAMPAIGN = {
    "source": "utm_source",
    "medium": "utm_medium",
    "term": "utm_term",
    "content": "utm_content",
    "name": "utm_campaign",
}
"""`context.campaign` to utm properties, on events (doc#utm-campaign-parameters)."""

UTM_PROPERTIES = frozenset(CAMPAIGN.values())

INITIAL_REFERRER: tuple[Row, ...] = (
    ("$initial_referrer", "page", "initialReferrer"),
    ("$initial_referrer", "page", "initial_referrer"),
    ("$initial_referring_domain", "page", "initialReferringDomain"),
    ("$initial_referring_domain", "page", "initial_referring_domain"),
)
"""Both spellings of the first referrer, on events, where the rule `initial_referrer` is on."""

Section = tuple[str, tuple[tuple[str, str], ...]]


def by_section(rows: tuple[Row, ...]) -> tuple[Section, ...]:
    """The rows grouped by section, so that each section of a context is looked up once."""
    grouped: dict[str, list[tuple[str, str]]] = {}
    for name, section, key in rows:
        grouped.setdefault(section, []).append((name, key))
    return tuple((section, tuple(pairs)) for section, pairs in grouped.items())


_DEVICE = by_section(DEVICE)
_DEVICE_BY_TYPE = {kind: by_section(DEVICE + rows) for kind, rows in DEVICE_BY_TYPE.items()}


def collect(
    context: Mapping[str, Any], sections: tuple[Section, ...], into: dict[str, Any]
) -> None:
    """Add the properties whose sources are in the context, explicit nulls included."""
    for section, pairs in sections:
        source = context.get(section)
        if type(source) is dict:
            for name, key in pairs:
                if key in source:
                    into[name] = detached(source[key])


def device_properties(context: Mapping[str, Any]) -> dict[str, Any]:
    """Browser, device, system, network and screen: what events and profiles share."""
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
    sections = _DEVICE_BY_TYPE.get(kind, _DEVICE) if type(kind) is str else _DEVICE
    collect(context, sections, found)
    return found
