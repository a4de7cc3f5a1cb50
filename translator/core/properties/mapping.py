"""The mapping: all tables of source and property as one list of rows, and changes to it.

The tables are in context_properties.py and special_traits.py. A mapping file changes their rows: it
changes the source of a property, adds a property, or removes one.

    events:                                   # on events
      $app_build: context.app.build
      $search_engine: properties.query        # a property of the call, renamed
      utm_id: context.campaign.id
      $current_url: null                      # removed
    devices:                                  # on events and profiles; iOS and android likewise,
      $os: [context.os.name, context.os.kind] # for this device type; the first with a value counts
    traits:                                   # special traits, found under any spelling
      $phone: traits.mobile
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

from translator.core.errors import MappingError
from translator.core.properties.context_properties import (
    CAMPAIGN,
    DEVICE,
    DEVICE_BY_TYPE,
    EVENT_ONLY,
    INITIAL_REFERRER,
    RENAMED_PROPERTIES,
)
from translator.core.properties.reserved import RESERVED
from translator.core.properties.special_traits import SPECIAL_TRAITS
from translator.suggestions import suggestion

SECTIONS: Mapping[str, str] = {
    "events": "properties of events",
    "devices": "properties of events and profiles",
    "iOS": "properties of events and profiles, where context.device.type is iOS",
    "android": "properties of events and profiles, where context.device.type is android",
    "traits": "special traits: properties of profiles, and of events that carry traits",
}
"""Section of a mapping file -> the meaning of its rows."""

FORMS: Mapping[str, tuple[str, ...]] = {
    "events": ("context.SECTION.KEY", "properties.NAME"),
    "devices": ("context.SECTION.KEY",),
    "iOS": ("context.SECTION.KEY",),
    "android": ("context.SECTION.KEY",),
    "traits": ("traits.NAME",),
}
"""Section -> the form of its sources."""


class MappingRow(NamedTuple):
    """A property of a section, and the path in the message that is its source."""

    section: str
    property: str
    source: str


STANDARD_ROWS = (
    *(
        MappingRow("events", name, f"context.{part}.{key}")
        for name, part, key in EVENT_ONLY + INITIAL_REFERRER
    ),
    *(MappingRow("events", name, f"context.campaign.{key}") for key, name in CAMPAIGN.items()),
    *(MappingRow("events", name, f"properties.{key}") for key, name in RENAMED_PROPERTIES.items()),
    *(MappingRow("devices", name, f"context.{part}.{key}") for name, part, key in DEVICE),
    *(
        MappingRow(kind, name, f"context.{part}.{key}")
        for kind, rows in DEVICE_BY_TYPE.items()
        for name, part, key in rows
    ),
    *(MappingRow("traits", row.property, f"traits.{row.trait}") for row in SPECIAL_TRAITS),
)


class PropertyMap:
    """The rows of a mapping. Immutable; compared and hashed by its rows."""

    __slots__ = ("_hash", "rows")

    def __init__(self, rows: Iterable[MappingRow] = STANDARD_ROWS) -> None:
        self.rows = tuple(rows)
        self._hash = hash(self.rows)

    def of(self, section: str) -> tuple[MappingRow, ...]:
        """The rows of a section, in order."""
        return tuple(row for row in self.rows if row.section == section)

    def changed(self, section: str, name: str, sources: Iterable[str]) -> Self:
        """The same mapping, except that a property has exactly these sources."""
        new = [MappingRow(section, name, source) for source in sources]
        kept: list[MappingRow] = []
        for row in self.rows:
            if (row.section, row.property) != (section, name):
                kept.append(row)
            elif new:
                kept += new
                new = []
        return type(self)(kept + new)

    @classmethod
    def from_json(cls, values: object) -> Self:
        """The standard mapping with the changes of a mapping file (a JSON or YAML object).

        Raises `MappingError` that names the section and the property.
        """
        if not isinstance(values, Mapping):
            raise MappingError("a mapping must be an object of the sections " + ", ".join(SECTIONS))
        changed = cls()
        for section, rows in values.items():
            if section not in SECTIONS:
                raise MappingError(f"unknown section {section!r}{suggestion(section, SECTIONS)}")
            if not isinstance(rows, Mapping):
                raise MappingError(f"{section} must be an object: property to source")
            for name, source in rows.items():
                changed = changed.changed(section, name, _sources(changed, section, name, source))
        return changed

    def as_json(self) -> dict[str, dict[str, str | list[str]]]:
        """The rows in the form of a mapping file."""
        found: dict[str, dict[str, list[str]]] = {}
        for section, name, source in self.rows:
            found.setdefault(section, {}).setdefault(name, []).append(source)
        return {
            section: {
                name: sources if sources[1:] else sources[0] for name, sources in rows.items()
            }
            for section, rows in found.items()
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PropertyMap) and self.rows == other.rows

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[MappingRow, ...]]]:
        # Hashes of text differ between processes.
        return type(self), (self.rows,)

    def __repr__(self) -> str:
        changes = "" if self.rows == STANDARD_ROWS else f"{self.rows!r}"
        return f"PropertyMap({changes})"


STANDARD = PropertyMap()
"""The mapping of the public doc and the classic integration."""


def _sources(current: PropertyMap, section: str, name: object, value: object) -> list[str]:
    """The sources of a property. Raises `MappingError`."""
    if not isinstance(name, str) or not name.strip():
        raise MappingError(f"{section}: a property must be a name, not {name!r}")
    if name in RESERVED:
        raise MappingError(f"{section}.{name} is reserved: no mapping can set it")
    if value is None:
        names = [row.property for row in current.of(section)]
        if name not in names:
            raise MappingError(f"{section}.{name} has no row to remove{suggestion(name, names)}")
        return []
    given = value if isinstance(value, list) and value else [value]
    return [_source(section, name, source) for source in given]


def _source(section: str, name: str, source: object) -> str:
    if isinstance(source, str):
        root, *rest = source.split(".", 2 if source.startswith("context.") else 1)
        for form in FORMS[section]:
            same_root = form.split(".")[0] == root
            if same_root and len(rest) == form.count(".") and all(part.strip() for part in rest):
                return source
    forms = " or ".join(FORMS[section])
    raise MappingError(
        f"{section}.{name} must come from {forms}, a list of these, or null; not {source!r:.80}"
    )
