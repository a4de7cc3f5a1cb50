"""Traits as Mixpanel wants them: the special-trait table and what is derived from it.

The doc's seven special traits and the two more of the classic integration
(doc#group-using-device-mode; facts/cloud-classic section 6). A trait is found under any spelling:
`first_name`, `First Name` and `firstName` are one.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from translator.operations import Json
from translator.timestamps import iso_seconds, number_to_ms, parse
from translator.values import format_value, normalised


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

_TRAIT_OF = {normalised(row.trait): row.trait for row in SPECIAL_TRAITS}
CREATED_TRAITS = frozenset(key for key, trait in _TRAIT_OF.items() if trait.startswith("created"))
"""Normalised names of the traits that hold the creation date."""
_LOOKED_UP = {**_TRAIT_OF, "phones": "phones"}


def people_properties(listed: Collection[str]) -> frozenset[str]:
    """What reaches a profile where not all traits do: the listed and the doc's special ones.

    The classic integration's two more special traits pass only if listed, in any spelling: the doc
    lets nothing else through, and a trait called `token` may well be a secret.
    """
    names = {normalised(name) for name in listed}
    return frozenset(listed) | {
        row.property for row in SPECIAL_TRAITS if row.in_doc or normalised(row.trait) in names
    }


def is_email(value: object) -> bool:
    """Whether an id looks like an e-mail address."""
    if type(value) is not str:
        return False
    # Something, an @, something, a dot, something; a regular expression takes quadratic time.
    at, dot = value.find("@", 1), value.rfind(".", 0, -1)
    return 0 < at < dot - 1


def format_traits(traits: Mapping[str, Any], user_id: Any, *, created_at_seconds: bool) -> Json:
    """The traits of one call, special ones renamed and all values formatted.

    `id` is the userId where there is one. Null traits stay null.
    """
    out: Json = {}
    found: Json = {}
    if traits:
        found = _find_special(traits)
        gone = _replaced_keys(traits)
        out = {key: format_value(value) for key, value in traits.items() if key not in gone}
    if user_id:
        out["id"] = user_id
    if not found:
        # Most calls have no special trait, and then only an id can still give one.
        if is_email(user_id):
            out["$email"] = user_id
        return out
    out.update(_special(found, user_id, created_at_seconds=created_at_seconds))
    return out


def name_tag(traits: Mapping[str, Any], user_id: Any) -> Any:
    """What names a person in Mixpanel's stream: name, else e-mail; None if neither is known."""
    if not traits:
        return user_id if is_email(user_id) else None
    found = _find_special(traits)
    return _name(found) or _email(found, user_id)


def _find_special(traits: Mapping[str, Any]) -> Json:
    """Special trait -> value, the first spelling of each counting."""
    found: Json = {}
    for key, value in traits.items():
        trait = _LOOKED_UP.get(normalised(key))
        if trait is not None and trait not in found:
            found[trait] = value
    return found


def _replaced_keys(traits: Mapping[str, Any]) -> set[str]:
    """The original keys that the special property replaces.

    The first spelling of each, and the usual one. A further spelling stays under its own name, and
    so do keys that are spelled Mixpanel's way.
    """
    gone: set[str] = set()
    seen: set[str] = set()
    for key in traits:
        trait = _TRAIT_OF.get(normalised(key))
        if trait is not None and not key.startswith("$"):
            if trait not in seen:
                seen.add(trait)
                gone.add(key)
            elif key == trait:
                gone.add(key)
    return gone


def _special(found: Json, user_id: Any, *, created_at_seconds: bool) -> Json:
    values = {
        "$created": _created(found, created_at_seconds=created_at_seconds),
        "$email": format_value(_email(found, user_id)),
        "$name": _name(found),
        "$first_name": _first_name(found),
        "$last_name": _last_name(found),
        "$username": format_value(found.get("username")),
        "$phone": format_value(_phone(found)),
        "$last_seen": format_value(found.get("lastSeen")),
        "trait_token": format_value(found.get("token")),
    }
    return {key: value for key, value in values.items() if value is not None}


def _email(found: Json, user_id: Any) -> Any:
    return found.get("email") or (user_id if is_email(user_id) else None)


def _text(found: Json, trait: str) -> str | None:
    value = found.get(trait)
    return value.strip() if type(value) is str else None


def _name(found: Json) -> str | None:
    name = _text(found, "name")
    if name is not None:
        return name
    first, last = _first_name(found), _last_name(found)
    return f"{first} {last}".strip() if first and last else None


def _first_name(found: Json) -> str | None:
    first, name = _text(found, "firstName"), _text(found, "name")
    return first if first is not None or name is None else name.partition(" ")[0]


def _last_name(found: Json) -> str | None:
    last, name = _text(found, "lastName"), _text(found, "name")
    if last is not None or name is None:
        return last
    return name.partition(" ")[2].strip() or None


def _phone(found: Json) -> Any:
    phones = found.get("phones")
    return found.get("phone") or (phones[0] if type(phones) is list and phones else None) or None


def _created(found: Json, *, created_at_seconds: bool) -> str | None:
    # createdAt wins over created, as in the classic integration.
    value = found.get("createdAt")
    if isinstance(value, int | float) and not (created_at_seconds or value is True):
        ms = number_to_ms(value, seconds_below=0) if value else None
    else:
        ms = parse(value or found.get("created") or None)
    return iso_seconds(ms) if ms is not None else None
