"""The special-trait table: which trait becomes which Mixpanel property.

The doc's seven special traits and the two more of the classic integration
(doc#group-using-device-mode; docs/facts/cloud-classic.md#traits). traits.py reads them.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from translator.core.values import normalised


class SpecialTrait(NamedTuple):
    """A trait of Segment's, the property it becomes, and whether the doc's table has it."""

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

_STANDARD = frozenset(row.property for row in SPECIAL_TRAITS)
_IN_DOC = frozenset(row.property for row in SPECIAL_TRAITS if row.in_doc)


class TraitTable:
    """The special traits in force, compiled from pairs of a property and the name of a trait.

    A standard property keeps its way of being read (a date, a name, ...) from whatever trait it
    comes; a property of the user's own is the value of its trait. A property without a pair is not
    made at all, not even from an id that is an e-mail address or from a list of phones.
    """

    __slots__ = ("created", "made", "own", "renamed", "roles", "sources")

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.sources = tuple(pairs)
        self.made = frozenset(name for name, _ in self.sources)
        """Every property that can come of a trait."""
        self.own: dict[str, str] = {}
        """What a trait is read as -> the property of the user's own that it becomes."""
        self.renamed = {normalised(trait): trait for _, trait in self.sources}
        """Normalised name of a special trait -> its usual spelling."""
        roles: dict[str, list[str]] = {}
        for name, trait in self.sources:
            roles.setdefault(normalised(trait), []).append(self._role(name, trait))
        if "$phone" in self.made:
            roles.setdefault("phones", []).append("phones")
        self.roles = {name: tuple(read_as) for name, read_as in roles.items()}
        """Normalised name of a trait -> what it is read as, such as `firstName`."""
        self.created = frozenset(
            name for name, read_as in self.roles.items() if {"created", "createdAt"} & {*read_as}
        )
        """Normalised names of the traits that hold the creation date."""

    def _role(self, name: str, trait: str) -> str:
        standard = [row.trait for row in SPECIAL_TRAITS if row.property == name]
        if not standard:
            role = f"own property {name}"
            self.own[role] = name
            return role
        same = [known for known in standard if normalised(known) == normalised(trait)]
        return (same or standard)[0]

    def people_properties(self, listed: Collection[str]) -> frozenset[str]:
        """What reaches a profile where not all traits do: the listed and the special ones.

        The classic integration's two more special traits pass only if listed, in any spelling: the
        doc lets nothing else through, and a trait called `token` may well be a secret.
        """
        names = {normalised(name) for name in listed}
        return frozenset(listed) | {
            name
            for name, trait in self.sources
            if name in _IN_DOC or name not in _STANDARD or normalised(trait) in names
        }
