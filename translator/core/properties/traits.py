"""Traits in Mixpanel's form: special traits are renamed, and others are derived from them.

A trait is found in any spelling: `first_name`, `First Name` and `firstName` are the same trait. The
table of special traits is in special_traits.py.
"""

from collections.abc import Callable, Mapping
from typing import Any

from translator.core.errors import name_taken, skip
from translator.core.operations import Json, Skip
from translator.core.properties.special_traits import TraitNames, TraitTable
from translator.core.values.json_values import format_object, format_value
from translator.core.values.timestamps import iso_seconds, number_to_ms, parse


def is_email(value: object) -> bool:
    """Whether an id looks like an e-mail address."""
    if type(value) is not str:
        return False
    if "@" not in value:
        return False
    # Text, @, text, dot, text. A regular expression would take quadratic time.
    at, dot = value.find("@", 1), value.rfind(".", 0, -1)
    return 0 < at < dot - 1


def format_traits(
    traits: Json, user_id: Any, table: TraitTable, *, created_at_seconds: bool
) -> Json:
    """The traits of one call: special traits renamed, all values formatted.

    `id` is the userId if the call has one. Null traits stay null.
    """
    given = tuple(traits)
    names = table.names[given]
    if not names.roles:
        out = format_object(traits)
        out.update(traits_of_id(user_id, table))
        return out
    found = _by_role(traits, user_id, names)
    special = _special(found, names, table, created_at_seconds=created_at_seconds)
    kept = traits.copy()
    for key in table.replaced[given, tuple(special)]:
        del kept[key]
    out = format_object(kept)
    if found.get("created") and "$created" not in special:
        # `$created` as sent by the caller must be a date, too.
        out.pop("$created", None)
    if user_id:
        out["id"] = user_id
    out.update(special)
    return out


def lost_traits(kind: str, traits: Json, formatted: Json, table: TraitTable) -> list[Skip]:
    """The reasons why traits are not in what `format_traits` gave for them.

    `kind` is the kind of the traits, such as `context.traits`. A trait is left out if it is a date
    that cannot be read, or if another trait or the userId gives the property of its name.
    """
    names = table.names[tuple(traits)]
    unreadable = names.dates and "$created" not in formatted
    if not (names.contested or unreadable):
        return []
    missing = [
        name
        for name in dict.fromkeys(names.dates + names.contested if unreadable else names.contested)
        if traits[name] is not None and formatted.get(name) != format_value(traits[name])
    ]
    reasons: list[Skip] = []
    if unreadable:
        dates = [name for name in missing if name in names.dates and traits[name]]
        for name in dates:
            reason = f"trait {name!r:.80} is not a readable date: {traits[name]!r:.80}"
            reasons.append(skip("date_unreadable", reason))
        missing = [name for name in missing if name not in dates]
    if not missing:
        return reasons
    read = dict(names.roles)
    if "createdAt" in read and traits[read["createdAt"]]:
        read.pop("created", None)
    used = {*read.values()}
    sent = [*formatted.values(), *(traits[name] for name in used)]
    taken = [
        name for name in missing if name not in used and format_value(traits[name]) not in sent
    ]
    return [*reasons, name_taken(kind, taken)] if taken else reasons


def traits_of_id(user_id: Any, table: TraitTable) -> Json:
    """The traits of a call without traits: `id`, and `$email` if the userId is one."""
    if not user_id:
        return {}
    if is_email(user_id) and "$email" in table.made:
        return {"id": user_id, "$email": user_id}
    return {"id": user_id}


def name_tag(traits: Json, table: TraitTable) -> Any:
    """The name that Mixpanel shows for a person with these traits: name, else e-mail, else None."""
    found = _by_role(traits, None, table.names[tuple(traits)])
    return _name(found) or _email(found)


def _by_role(traits: Mapping[str, Any], user_id: Any, names: TraitNames) -> Json:
    """Type of a special trait -> its value, and the userId, which can be an e-mail address."""
    found: Json = {role: traits[name] for role, name in names.roles}
    found["userId"] = user_id
    return found


def _special(
    found: Json, names: TraitNames, table: TraitTable, *, created_at_seconds: bool
) -> Json:
    special: Json = {}
    for name in names.properties:
        value = (
            _created(found, created_at_seconds=created_at_seconds)
            if name == "$created"
            else _VALUES[name](found)
        )
        if value is not None:
            special[name] = value
    for role, name in table.own.items():
        if found.get(role) is not None:
            special[name] = format_value(found[role])
    return special


def _email(found: Json) -> Any:
    return found.get("email") or (found["userId"] if is_email(found["userId"]) else None)


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


_VALUES: Mapping[str, Callable[[Json], Any]] = {
    "$email": lambda found: format_value(_email(found)),
    "$name": _name,
    "$first_name": _first_name,
    "$last_name": _last_name,
    "$username": lambda found: format_value(found["username"]),
    "$phone": lambda found: format_value(_phone(found)),
    "$last_seen": lambda found: format_value(found["lastSeen"]),
    "trait_token": lambda found: format_value(found["token"]),
}
"""Special property -> its value. `$created` is not here, because a rule decides how it is read."""
