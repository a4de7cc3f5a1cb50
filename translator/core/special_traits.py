"""The table of special traits: which trait becomes which Mixpanel property.

It holds the doc's seven special traits and two more of the classic integration
(doc#group-using-device-mode; docs/facts/cloud-classic.md#traits). traits.py reads them.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from translator.core.values import normalised


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

_STANDARD = frozenset(row.property for row in SPECIAL_TRAITS)
_IN_DOC = frozenset(row.property for row in SPECIAL_TRAITS if row.in_doc)


class TraitTable:
    """The special traits of one mapping, compiled from pairs of a property and a trait's name.

    A standard property keeps its type (a date, a name, ...), whichever trait it comes from; a
    property that the user added gets the value of its trait. A property without a pair is not made,
    not even from a userId that is an e-mail address or from a list of phones.
    """

    __slots__ = ("created", "made", "own", "renamed", "roles", "sources")

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
