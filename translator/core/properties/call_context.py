"""The properties that the context of a call adds to operations, except its `ip`.

The client libraries send the same context with every call of a session, often several hundred
bytes of it, and servers send the same context except the `ip`. So a context without its `ip` is
worked out once, and `CompiledSettings.contexts` keeps the result.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from translator.core.bounded_cache import BoundedCache, is_short
from translator.core.operations import Json
from translator.core.properties.context_properties import (
    DeviceTables,
    EventTables,
    collect,
    device_properties,
)
from translator.core.properties.special_traits import TraitTable
from translator.core.properties.traits import name_tag
from translator.core.values.json_values import detached, normalised, without_nulls


class CallContext:
    """The properties of a context.

    It is shared by calls, so it never changes, and it shares nothing with the context.

    `event` holds the properties for events, and `device` those for profiles. `library` is `mp_lib`.
    `active` says whether the call counts as activity: `context.active` is true, absent or null.
    `traits` is empty if the context has no object there; `valid_traits` is false if it has another
    value there. `name` is the person's name in the traits, None if they have none.
    """

    __slots__ = (
        *("active", "device", "event", "ignore_ip", "ignore_time", "library", "name", "traits"),
        "valid_traits",
    )

    def __init__(
        self,
        context: Json,
        events: EventTables,
        devices: DeviceTables,
        special_traits: TraitTable,
        doc: Mapping[str, bool],
    ) -> None:
        self.device = device_properties(context, devices)
        self.event = _event_properties(context, self.device, events)
        if doc["empty_sources"]:
            self.device = without_nulls(self.device)
            self.event = without_nulls(self.event)
        self.library = _library(context.get("library"), named=doc["library_name"])
        active = context.get("active")
        self.active = active is None or bool(active)
        traits = context.get("traits")
        self.valid_traits = traits is None or type(traits) is dict
        self.traits: Json = {}
        self.name = None
        if traits and type(traits) is dict:
            self.traits = orjson.loads(orjson.dumps(traits))
            self.name = name_tag(self.traits, special_traits)
        flags = _FLAGS[tuple(context)]
        self.ignore_ip = flags.ignore_ip is not None and bool(context[flags.ignore_ip])
        self.ignore_time = False
        for name in flags.mixpanel:
            options = context[name]
            if type(options) is dict:
                self.ignore_ip = self.ignore_ip or _flag(options, "ignoreip")
                self.ignore_time = _flag(options, "ignoretime")
                break

    def is_shareable(self) -> bool:
        """Whether no value that goes into operations is a list, which two of them would share."""
        kinds = {type(self.name), *map(type, self.event.values()), *map(type, self.device.values())}
        return list not in kinds


def context_text(context: Json) -> bytes:
    """The context without its `ip` as JSON text: the same text means the same `CallContext`.

    Raises TypeError for values that JSON cannot represent.
    """
    if "ip" in context:
        context = context.copy()
        del context["ip"]
    return orjson.dumps(context)


def _event_properties(context: Json, device: Json, tables: EventTables) -> Json:
    """The properties for events; null if the context has null."""
    found = dict(device)
    collect(context, tables.context, found)
    referrer = _referrer(context)
    if referrer:
        found["$referrer"] = detached(referrer)
    campaign = context.get("campaign")
    if type(campaign) is dict:
        for key, name in tables.campaign:
            value = campaign.get(key)
            if value is not None or name not in found:
                found[name] = detached(value)
    return found


def _referrer(context: Json) -> Any:
    for section, key in (("referrer", "url"), ("page", "referrer")):
        source = context.get(section)
        if type(source) is dict and source.get(key):
            return source[key]
    return None


def _library(source: Any, *, named: bool) -> str:
    """`mp_lib`: the Segment library that sent the call. `named`: by the rule `library_name`."""
    if type(source) is str:
        name: Any = source
    elif type(source) is dict:
        name = source.get("name", "undefined")
        if not named:
            name = "null" if name is None else name
        elif type(name) is not str or name in ("", "undefined"):
            name = "unknown"
    else:
        name = "unknown"
    return f"Segment: {name}"


class _FlagNames(NamedTuple):
    """The keys of a context that hold flags for Mixpanel.

    `ignore_ip` is the key of the flag itself, None if there is none. `mixpanel` are the keys of
    objects of flags.
    """

    ignore_ip: str | None
    mixpanel: tuple[str, ...]


def _flag_names(keys: tuple[str, ...]) -> _FlagNames:
    return _FlagNames(
        next((key for key in keys if normalised(key) == "ignoreip"), None),
        tuple(key for key in keys if key.lower() == "mixpanel"),
    )


_FLAGS: BoundedCache[tuple[str, ...], _FlagNames] = BoundedCache(
    _flag_names, keeps=lambda keys, _: is_short(keys)
)


def _flag(source: Json, name: str) -> bool:
    """Whether the first value with this normalised name is true."""
    return bool(next((value for key, value in source.items() if normalised(key) == name), False))
