"""Web mode: what the page calls on mixpanel-js for each message. Pure.

Each handler takes a message with the state before it, and returns calls and reasons for what is
left out. The model of the SDK applies the calls to the state. Sources:
docs/facts/device-mode.md#web-start-up, docs/facts/device-mode.md#web-page,
docs/facts/device-mode.md#web-identify, docs/facts/device-mode.md#web-track,
docs/facts/device-mode.md#web-group, docs/facts/device-mode.md#web-alias-and-reset.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from translator.core.errors import skip
from translator.core.operations import Json, Skip
from translator.core.settings import Settings
from translator.device.calls import LOADED, call
from translator.device.compiled_settings import CompiledDeviceSettings
from translator.device.message import CallOrSkip, DeviceMessage
from translator.device.pages import page_event, page_properties
from translator.device.web import js
from translator.device.web.dates import Date
from translator.device.web.group import group_parts
from translator.device.web.identify import identify_parts
from translator.device.web.track import event_parts, track_parts

KINDS = ("track", "page", "screen", "identify", "group", "alias", "reset")

EU_API_HOST = "https://api-eu.mixpanel.com"

DECLARED: Mapping[str, Any] = {
    "eventIncrements": None,
    "propIncrements": None,
    "peopleProperties": None,
    "superProperties": None,
    "cookieName": None,
    "crossSubdomainCookie": None,
    "secureCookie": None,
    "persistence": None,
    "nameTag": True,
    "pageview": False,
    "people": None,
    "token": None,
    "setAllTraitsByDefault": None,
    "consolidatedPageCalls": None,
    "trackAllPages": None,
    "trackNamedPages": None,
    "trackCategorizedPages": None,
    "groupIdentifierTraits": None,
    "sourceName": None,
    "enableEuropeanUnionEndpoint": None,
}
"""Options that the integration always has. Those with a value are not in `Settings`."""

SDK_NAMES = {
    "cookieName": "cookie_name",
    "crossSubdomainCookie": "cross_subdomain_cookie",
    "secureCookie": "secure_cookie",
}
"""Options that have another name in the SDK's configuration."""


def start_up(compiled: CompiledDeviceSettings) -> list[CallOrSkip]:
    """The calls that come before those of any message."""
    options = {row.name: _option(compiled, row.name) for row in fields(Settings)}
    options = {
        key: value for key, value in options.items() if key in compiled.given
    } | compiled.others
    options |= {
        key: _option(compiled, key) if value is None else value
        for key, value in DECLARED.items()
        if key not in options
    }
    if compiled.doc["secret_in_page"]:
        options.pop("apiSecret", None)
    config: Json = {SDK_NAMES.get(key, key): value for key, value in options.items()}
    if compiled.settings.enableEuropeanUnionEndpoint:
        config["api_host"] = EU_API_HOST
    config["loaded"] = LOADED
    return [
        call("init", compiled.settings.token, config),
        call("register", {"mp_lib": "Segment: web"}),
    ]


def _option(compiled: CompiledDeviceSettings, key: str) -> Any:
    value = getattr(compiled.settings, key)
    if not isinstance(value, tuple):
        return value
    lowered = key in ("eventIncrements", "propIncrements")
    return [item.lower() if lowered else item for item in value]


def message_parts(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    """Calls and reasons of a message. Raises `TranslationError` where the rules say so."""
    return _HANDLERS[message.kind](message, now)


def _page(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    event = page_event(message)
    if isinstance(event, Skip):
        return [event]
    return event_parts(message, event, page_properties(message), now)


def _alias(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    """An alias, unless the new id is already the current one
    (docs/facts/device-mode.md#web-alias-and-reset)."""
    new = _first(message.raw, "userId", "to")
    stored = message.state.stored
    if new is None:
        return [skip("missing_id", "alias needs a userId")]
    if js.same(stored.get_property("distinct_id"), new) or js.same(
        stored.get_property("$people_distinct_id"), new
    ):
        return [skip("alias_to_itself", f"{new!r:.80} is already the current distinct_id")]
    previous = _first(message.raw, "previousId", "from")
    return [call("alias", new) if previous is None else call("alias", new, previous)]


def _first(raw: Json, *fields: str) -> Any:
    return next((raw[field] for field in fields if js.truthy(raw.get(field))), None)


def _reset(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    reason = (
        "analytics.reset() leaves the SDK's identity and super properties as they are; "
        "doc#reset-mixpanel-cookies clears its cookie by hand"
    )
    return [skip("reset_not_mapped", reason)]


def _screen(message: DeviceMessage, now: Date) -> list[CallOrSkip]:
    return [skip("no_handler", "the web integration has no handler for screen calls")]


_HANDLERS: Mapping[str, Callable[[DeviceMessage, Date], list[CallOrSkip]]] = {
    "track": track_parts,
    "page": _page,
    "screen": _screen,
    "identify": lambda message, now: identify_parts(message),
    "group": lambda message, now: group_parts(message),
    "alias": _alias,
    "reset": _reset,
}
