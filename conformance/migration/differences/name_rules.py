"""The rule by which a name or value became another one: a prefix, another type, a time zone."""

from collections.abc import Iterator
from typing import Any

from conformance.regression.differences.changes import Change, ChangeClass
from conformance.regression.json_text import compact
from translator.core.values.json_values import normalised


def name_rule(old: str, new: str) -> str | None:
    """The rule that turns the old name into the new one, in words; None if no rule is known."""
    if old == new or not old or not new:
        return None
    return next(_rules(old, new), None)


def _rules(old: str, new: str) -> Iterator[str]:
    if new.endswith(old):
        yield f"prefix {_shown(new.removesuffix(old))} added"
    if old.endswith(new):
        yield f"prefix {_shown(old.removesuffix(new))} removed"
    if new.startswith(old):
        yield f"suffix {_shown(new.removeprefix(old))} added"
    if old.startswith(new):
        yield f"suffix {_shown(old.removeprefix(new))} removed"
    if new == old.lower():
        yield "in lower case"
    if new == old.upper():
        yield "in upper case"
    if old.casefold() == new.casefold():
        yield "in other case"
    if normalised(old) and normalised(old) == normalised(new):
        yield "with other separators between words"


def type_causes(change: Change) -> tuple[str, ...]:
    """The rule by which a value became the same value of another type, if it did."""
    if change.kind is not ChangeClass.RETYPED:
        return ()
    old, new = change.old, change.new
    if type(new) is str and new in (compact(old), str(old)):
        return (f"{_kind(old)} became text",)
    if type(old) is str and old in (compact(new), str(new)):
        return (f"text became {_kind(new)}",)
    return ()


def time_zone_causes(change: Change) -> tuple[str, ...]:
    """The difference of two time zones, if it can be why a time in seconds changed."""
    old, new = change.old, change.new
    if type(old) is not int or type(new) is not int or (new - old) % QUARTER:
        return ()
    quarters = abs(new - old) // QUARTER
    if quarters > MOST_QUARTERS:
        return ()
    direction = "later" if new > old else "earlier"
    return (f"the time is {quarters / 4:g} h {direction}, as in another time zone",)


QUARTER = 15 * 60
"""Seconds; time zones differ by whole quarters of an hour."""

MOST_QUARTERS = 26 * 4
"""The zones from UTC-12:00 to UTC+14:00."""


def _kind(value: Any) -> str:
    """The type of a JSON value, in the plural."""
    kinds = {"NoneType": "nulls", "bool": "booleans", "dict": "objects", "list": "lists"}
    return kinds.get(type(value).__name__, "numbers")


def _shown(text: str) -> str:
    return compact(text[:50])
