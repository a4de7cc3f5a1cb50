"""Traits in Mixpanel's form: special traits are renamed, and others are derived from them.

A trait is found in any spelling: `first_name`, `First Name` and `firstName` are the same trait. The
table of special traits is in special_traits.py.
"""

from collections.abc import Mapping
from typing import Any

from translator.core.operations import Json
from translator.core.special_traits import TraitTable
from translator.core.timestamps import iso_seconds, number_to_ms, parse
from translator.core.values import format_object, format_value, normalised


def is_email(value: object) -> bool:
    """Whether an id looks like an e-mail address."""
    if type(value) is not str:
        return False
    # Text, @, text, dot, text. A regular expression would take quadratic time.
    at, dot = value.find("@", 1), value.rfind(".", 0, -1)
    return 0 < at < dot - 1


def format_traits(
    traits: Mapping[str, Any], user_id: Any, table: TraitTable, *, created_at_seconds: bool
) -> Json:
    """The traits of one call: special traits renamed, all values formatted.

    `id` is the userId if the call has one. Null traits stay null.
    """
    found = _find_special(traits, table)
    if found:
        special = _special(found, user_id, table, created_at_seconds=created_at_seconds)
        gone = _replaced_keys(traits, table, special)
        out = {key: format_value(value) for key, value in traits.items() if key not in gone}
        if found.get("created") and "$created" not in special:
            # `$created` as sent by the caller must be a date, too.
            out.pop("$created", None)
    else:
        out = format_object(traits)
        out.update(traits_of_id(user_id, table))
        return out
    if user_id:
        out["id"] = user_id
    out.update(special)
    return out


def traits_of_id(user_id: Any, table: TraitTable) -> Json:
    """The traits of a call without traits: `id`, and `$email` if the userId is one."""
    if not user_id:
        return {}
    if is_email(user_id) and "$email" in table.made:
        return {"id": user_id, "$email": user_id}
    return {"id": user_id}


def name_tag(traits: Mapping[str, Any], user_id: Any, table: TraitTable) -> Any:
    """The name that Mixpanel shows for a person: name, else e-mail, else None."""
    if not traits:
        return user_id if is_email(user_id) else None
    found = _find_special(traits, table)
    return _name(found) or _email(found, user_id)


def _find_special(traits: Mapping[str, Any], table: TraitTable) -> Json:
    """Special trait -> its value; if a trait has several spellings, the first counts."""
    found: Json = {}
    for key, value in traits.items():
        for role in table.roles.get(normalised(key), ()):
            found.setdefault(role, value)
    return found


def _replaced_keys(traits: Mapping[str, Any], table: TraitTable, special: Json) -> set[str]:
    """The original keys that special properties replace.

    For each trait: its usual spelling if that has a value, and the first of the other spellings.
    Further spellings stay under their own names, and so do keys in Mixpanel's spelling.
    """
    gone = {
        trait
        for name, trait in table.sources
        if trait in traits and (name in special or name == "$created")
    }
    seen: set[str] = set()
    for key in traits:
        usual = table.renamed.get(normalised(key))
        if usual is None or usual in seen or key in gone or key.startswith("$"):
            continue
        seen.add(usual)
        gone.add(key)
    return gone


def _special(found: Json, user_id: Any, table: TraitTable, *, created_at_seconds: bool) -> Json:
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
    special = {
        key: value for key, value in values.items() if value is not None and key in table.made
    }
    for role, name in table.own.items():
        if found.get(role) is not None:
            special[name] = format_value(found[role])
    return special


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
