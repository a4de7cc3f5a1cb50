"""The table of special traits: which trait becomes which Mixpanel property.

It holds the doc's seven special traits and two more of the classic integration
(doc#group-using-device-mode; docs/facts/cloud-classic.md#traits). traits.py reads them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from translator.core.bounded_cache import BoundedCache, is_short
from translator.core.values.json_values import normalised


class SpecialTrait(NamedTuple):
    """A trait of Segment, the property that it becomes, and whether the doc's table has it."""

    trait: str
    property: str
    in_doc: bool


SPECIAL_TRAITS = (
    SpecialTrait("created", "$created", True),
    SpecialTrait("createdAt", "$created", False),
    SpecialTrait("email", "$email", True),
    SpecialTrait("firstName", "$first_name", True),
    SpecialTrait("lastName", "$last_name", True),
    SpecialTrait("name", "$name", True),
    SpecialTrait("username", "$username", True),
    SpecialTrait("phone", "$phone", True),
    SpecialTrait("lastSeen", "$last_seen", False),
    SpecialTrait("token", "trait_token", False),
)

SOURCES: Mapping[str, tuple[str, ...]] = {
    "$created": ("created", "createdAt"),
    "$email": ("email", "userId"),
    "$name": ("name", "firstName", "lastName"),
    "$first_name": ("firstName", "name"),
    "$last_name": ("lastName", "name"),
    "$username": ("username",),
    "$phone": ("phone", "phones"),
    "$last_seen": ("lastSeen",),
    "trait_token": ("token",),
}
"""Special property -> the traits that can give it, in the order in which they are sent."""

_STANDARD = frozenset(row.property for row in SPECIAL_TRAITS)
_IN_DOC = frozenset(row.property for row in SPECIAL_TRAITS if row.in_doc)


_NamesAndProperties = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)  # its fields are read faster than those of a named tuple
class TraitNames:
    """The meaning of the names of a call's traits: the same for all calls with the same names.

    `roles` holds pairs of a type of trait and the name that has it; of several spellings the first
    counts. `properties` are the special properties that these traits, or a userId, can give.
    `dates` are the names of creation dates, which may be unreadable. `contested` are the names
    whose values may give way to others.
    """

    roles: tuple[tuple[str, str], ...]
    properties: tuple[str, ...]
    dates: tuple[str, ...]
    contested: tuple[str, ...]


class TraitTable:
    """The special traits of one mapping, compiled from pairs of a property and a trait's name.

    A standard property keeps its type (a date, a name, ...), whichever trait it comes from; a
    property that the user added gets the value of its trait. A property without a pair is not made,
    not even from a userId that is an e-mail address or from a list of phones.
    """

    __slots__ = ("created", "made", "names", "own", "renamed", "replaced", "roles", "sources")

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.sources = tuple(pairs)
        self.made = frozenset(name for name, _ in self.sources)
        """Every property that a trait can give."""
        self.own: dict[str, str] = {}
        """Type of a trait -> the property that the user added for it."""
        self.renamed = {normalised(trait): trait for _, trait in self.sources}
        """Normalised name of a special trait -> its usual spelling."""
        roles: dict[str, list[str]] = {}
        for name, trait in self.sources:
            roles.setdefault(normalised(trait), []).append(self._role(name, trait))
        if "$phone" in self.made:
            roles.setdefault("phones", []).append("phones")
        self.roles = {name: tuple(read_as) for name, read_as in roles.items()}
        """Normalised name of a trait -> its type, such as `firstName`."""
        self.created = frozenset(
            name for name, read_as in self.roles.items() if {"created", "createdAt"} & {*read_as}
        )
        """Normalised names of the traits that hold the creation date."""
        self.names: BoundedCache[tuple[str, ...], TraitNames] = BoundedCache(
            self._names, keeps=lambda names, _: is_short(names)
        )
        """The names of a call's traits, in order -> what they mean."""
        self.replaced: BoundedCache[_NamesAndProperties, frozenset[str]] = BoundedCache(
            lambda key: self._replaced(*key), keeps=lambda key, _: is_short(key[0])
        )
        """The names of a call's traits, and the special properties that these give -> the names
        that the properties replace."""

    def _names(self, names: tuple[str, ...]) -> TraitNames:
        first: dict[str, str] = {}
        for name in names:
            for role in self.roles.get(normalised(name), ()):
                first.setdefault(role, name)
        roles = {*first, "userId"}
        properties = [name for name in SOURCES if name in self.made and roles & {*SOURCES[name]}]
        used = set(first.values())
        dates = tuple(name for name in names if normalised(name) in self.created)
        contested = tuple(
            name
            for name in names
            if name == "id"
            or name in self.made
            or (name in dates and len(dates) > 1)
            or (normalised(name) in self.roles and name not in used)
        )
        return TraitNames(tuple(first.items()), tuple(properties), dates, contested)

    def _replaced(self, names: tuple[str, ...], properties: tuple[str, ...]) -> frozenset[str]:
        """The original names that special properties replace.

        For each trait: its usual spelling if that has a value, and the first of the other
        spellings. Further spellings stay under their own names, and so do names in Mixpanel's
        spelling.
        """
        gone = {
            trait
            for name, trait in self.sources
            if trait in names and (name in properties or name == "$created")
        }
        seen: set[str] = set()
        for name in names:
            usual = self.renamed.get(normalised(name))
            if usual is None or usual in seen or name in gone or name.startswith("$"):
                continue
            seen.add(usual)
            gone.add(name)
        return frozenset(gone)

    def _role(self, name: str, trait: str) -> str:
        standard = [row.trait for row in SPECIAL_TRAITS if row.property == name]
        if not standard:
            role = f"own property {name}"
            self.own[role] = name
            return role
        same = [known for known in standard if normalised(known) == normalised(trait)]
        return (same or standard)[0]

    def people_properties(self, listed: Collection[str]) -> frozenset[str]:
        """The properties that reach a profile if Set All Traits is off: listed and special traits.

        The two special traits of the classic integration pass only if they are listed, in any
        spelling: the doc excludes others, and a trait called `token` may be a secret.
        """
        names = {normalised(name) for name in listed}
        return frozenset(listed) | {
            name
            for name, trait in self.sources
            if name in _IN_DOC or name not in _STANDARD or normalised(trait) in names
        }
