"""Conditions on properties, which select calls of an event. The operators are a table."""

from collections.abc import Callable
from typing import Any, NamedTuple

from translator.core.operations import Json
from translator.core.values.timestamps import parse


class Operator(NamedTuple):
    """A row of the table: the key in a definition, its meaning, and the function that decides.

    The arguments of `holds` are the property's value (None if absent) and the definition's value.
    """

    key: str
    meaning: str
    holds: Callable[[Any, Any], bool]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(value: Any, wanted: Any) -> bool:
    """Equal in value and type: `true` is not 1, and text is not a number."""
    same_kind = (_number(value) and _number(wanted)) or type(value) is type(wanted)
    return same_kind and bool(value == wanted)


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, list):
        return any(_equal(item, wanted) for item in value)
    return isinstance(value, str) and isinstance(wanted, str) and wanted in value


def _moments(value: Any, wanted: Any) -> tuple[int, int] | None:
    one, two = parse(value), parse(wanted)
    return None if one is None or two is None or isinstance(value, bool) else (one, two)


def _before(value: Any, wanted: Any) -> bool:
    moments = _moments(value, wanted)
    return moments is not None and moments[0] < moments[1]


def _after(value: Any, wanted: Any) -> bool:
    moments = _moments(value, wanted)
    return moments is not None and moments[0] > moments[1]


OPERATORS = (
    Operator("equals", "it is this text, number or boolean", _equal),
    Operator("not_equals", "it has another value, or is absent", lambda v, w: not _equal(v, w)),
    Operator("less_than", "it is a number less than this", lambda v, w: _number(v) and v < w),
    Operator("greater_than", "it is a number greater than this", lambda v, w: _number(v) and v > w),
    Operator("at_most", "it is this number or a smaller one", lambda v, w: _number(v) and v <= w),
    Operator("at_least", "it is this number or a larger one", lambda v, w: _number(v) and v >= w),
    Operator("contains", "it is text that contains this, or a list with this item", _contains),
    Operator(
        "does_not_contain",
        "it does not contain this, or is absent",
        lambda value, wanted: not _contains(value, wanted),
    ),
    Operator(
        "starts_with",
        "it is text that starts with this",
        lambda value, wanted: isinstance(value, str) and value.startswith(wanted),
    ),
    Operator(
        "ends_with",
        "it is text that ends with this",
        lambda value, wanted: isinstance(value, str) and value.endswith(wanted),
    ),
    Operator(
        "exists",
        "`true`: it is present and not null; `false`: it is absent or null",
        lambda value, wanted: (value is not None) is wanted,
    ),
    Operator("before_date", "it is a date before this one", _before),
    Operator("after_date", "it is a date after this one", _after),
)
"""Every operator of a property condition. Comparisons are case-sensitive."""

_BY_KEY = {row.key: row for row in OPERATORS}


class Filter(NamedTuple):
    """A condition: a property, an operator, and the value to compare with."""

    name: str
    operator: Operator
    wanted: Any

    @classmethod
    def from_json(cls, condition: Json) -> "Filter":
        """The condition in `{property: total, greater_than: 50}`, which the schema has checked."""
        [key] = condition.keys() - {"property"}
        return cls(condition["property"], _BY_KEY[key], condition[key])

    def holds(self, properties: Json) -> bool:
        """Whether the properties of a call satisfy it."""
        return self.operator.holds(value_of(properties, self.name), self.wanted)


def value_of(properties: Json, name: str) -> Any:
    """The property of this name; `a.b` is also the member `b` of an object `a`. None if absent."""
    if name in properties or "." not in name:
        return properties.get(name)
    value: Any = properties
    for part in name.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def select(filters: tuple[Filter, ...], properties: Json) -> bool:
    """Whether all conditions hold."""
    return all(condition.holds(properties) for condition in filters)
