"""Settings, rules and mapping, compiled once into tables that every message uses."""

from collections.abc import Iterable
from functools import lru_cache

from translator.core.bounded_cache import MAX_KEY, BoundedCache, BoundedDict, is_short
from translator.core.operations import Json
from translator.core.properties.call_context import CallContext, context_text
from translator.core.properties.context_properties import (
    DEVICE_BY_TYPE,
    INITIAL_REFERRER,
    DeviceTables,
    EventTables,
    Row,
    by_section,
)
from translator.core.properties.mapping import STANDARD, STANDARD_ROWS, MappingRow, PropertyMap
from translator.core.properties.page_names import PageName, event_names, selected_names
from translator.core.properties.property_names import PropertyNames, property_names
from translator.core.properties.reserved import RESERVED
from translator.core.properties.special_traits import TraitTable
from translator.core.residency import host
from translator.core.rules import RULES, Rules
from translator.core.settings import Settings
from translator.core.values.json_values import normalised


class CompiledSettings:
    """Compiled settings, rules and mapping. Immutable by convention; shared by all messages."""

    def __init__(self, settings: Settings, rules: Rules, mapping: PropertyMap = STANDARD) -> None:
        self.settings = settings
        self.doc = {rule.name: rules.follows_doc(rule.name) for rule in RULES}
        """Rule name -> whether the doc is followed. An unknown name raises KeyError."""
        self.token = settings.token
        self.host = host(european_union=settings.enableEuropeanUnionEndpoint)
        self.property_increments = (
            settings.propIncrements if self.doc["property_increments"] else ()
        )
        self.event_increments = frozenset(
            name.lower() for name in settings.eventIncrements + settings.increments
        )
        self.traits = TraitTable(
            (row.property, row.source.removeprefix("traits.")) for row in mapping.of("traits")
        )
        self.people_properties = self.traits.people_properties(settings.peopleProperties)
        self.group_set_once = frozenset(settings.groupSetOnce)
        self.source_name = (
            settings.sourceName if settings.sourceName.strip() and self.doc["source_name"] else ""
        )
        namers = selected_names(settings)
        self.page_events: BoundedCache[PageName, tuple[str, ...]] = BoundedCache(
            lambda name: tuple(event_names(namers, *name, every=self.doc["page_events"])),
            keeps=lambda name, _: is_short(name),
        )
        """Category, name, and `Page` or `Screen` -> the names of the events of the call."""
        self.events = _event_tables(mapping, initial_referrer=self.doc["initial_referrer"])
        utm_properties = frozenset(name for _, name in self.events.campaign)
        self.traits_for_events = frozenset(settings.superProperties) | utm_properties
        """The traits that a setting, or their name, selects for events."""
        self.devices = _device_tables(mapping)
        self.contexts: BoundedDict[bytes, CallContext] = BoundedDict(
            keeps=lambda text, found: len(text) <= MAX_KEY and found.is_shareable(),
        )
        """The `context_text` of a context -> what the context gives."""
        others = RESERVED | _names(self.events, self.devices)
        self.property_names: BoundedCache[tuple[str, ...], PropertyNames] = BoundedCache(
            lambda names: property_names(names, self.events.renamed, others),
            keeps=lambda names, _: is_short(names),
        )
        """The names of a call's properties, in order -> what they mean."""

    def call_context(self, context: Json) -> CallContext:
        """The properties of a context, shared by calls whose contexts differ in `ip` only."""
        text = context_text(context)
        found = self.contexts.get(text)
        if found is None:
            found = CallContext(context, self.events, self.devices, self.traits, self.doc)
            self.contexts.keep(text, found)
        return found


@lru_cache(maxsize=64)
def compile_settings(
    settings: Settings, rules: Rules, mapping: PropertyMap = STANDARD
) -> CompiledSettings:
    """The compiled form of settings, rules and mapping; compiled on first use, then cached."""
    return CompiledSettings(settings, rules, mapping)


def _event_tables(mapping: PropertyMap, *, initial_referrer: bool) -> EventTables:
    rows = mapping.of("events")
    if not initial_referrer:
        first_touch = {name for name, _, _ in INITIAL_REFERRER}
        rows = tuple(
            row for row in rows if row not in STANDARD_ROWS or row.property not in first_touch
        )
    context = _context_rows(rows)
    renamed = [(row.source.removeprefix("properties."), row.property) for row in rows]
    return EventTables(
        by_section(tuple(row for row in context if row[1] != "campaign")),
        # Last to first, as in `by_section`.
        tuple((key, name) for name, part, key in reversed(context) if part == "campaign"),
        {normalised(key): name for key, name in renamed if not key.startswith("context.")},
    )


def _device_tables(mapping: PropertyMap) -> DeviceTables:
    shared = _context_rows(mapping.of("devices"))
    typed = {kind: _context_rows(mapping.of(kind)) for kind in DEVICE_BY_TYPE}
    return DeviceTables(
        by_section(shared),
        {kind: by_section(_overriding(rows, shared)) for kind, rows in typed.items()},
    )


def _names(events: EventTables, devices: DeviceTables) -> frozenset[str]:
    """The names of all properties that a context may give to an event."""
    sections = [*events.context, *devices.any]
    for typed in devices.by_type.values():
        sections += typed
    names = {name for _, pairs in sections for name, _ in pairs}
    names.update(name for _, name in events.campaign)
    return frozenset(names | {"$referrer", "$browser", "$browser_version"})


def _overriding(rows: tuple[Row, ...], shared: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows for any device, without properties for which the device type has its own rows."""
    names = {name for name, _, _ in rows}
    return tuple(row for row in shared if row[0] not in names) + rows


def _context_rows(rows: Iterable[MappingRow]) -> tuple[Row, ...]:
    split = [(row.property, *row.source.split(".", 2)) for row in rows]
    return tuple(
        (name, part, key)
        for name, root, part, key in (item for item in split if item[1] == "context")
    )
