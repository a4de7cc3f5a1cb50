"""The values, functions and operators of the expressions `where` and `on`."""

import math
import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from mock_mixpanel.json_values import contains, same, seconds
from mock_mixpanel.simulation.clock import parse_iso


class ExpressionError(ValueError):
    """An expression that cannot be parsed, or not computed for a row; the message says why."""


class Undefined:
    """The value of a missing property."""

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED = Undefined()


class Moment(NamedTuple):
    """A time, in seconds since 1970."""

    at: float


def defined_only(function: Callable[..., Any], *values: Any) -> Any:
    """The result, undefined where it is out of range."""
    try:
        result = function(*values)
    except (ArithmeticError, ValueError):
        return UNDEFINED
    return UNDEFINED if isinstance(result, float) and not math.isfinite(result) else result


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def if_number(function: Callable[[Any], Any], value: Any) -> Any:
    return function(value) if _is_number(value) else UNDEFINED


def logical(name: str, value: Any) -> bool:
    if value is UNDEFINED:
        return False
    if not isinstance(value, bool):
        raise ExpressionError(f"{name}: takes booleans, got a {type(value).__name__}")
    return value


def negation_of(value: Any) -> Any:
    if value is UNDEFINED:
        return True
    return not value if isinstance(value, bool) else UNDEFINED


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, Moment) or isinstance(right, Moment):
        one, other = _moment(left), _moment(right)
        return isinstance(one, Moment) and one == other
    return same(left, right)


def _compare(function: Callable[[Any, Any], bool], left: Any, right: Any) -> Any:
    if isinstance(left, Moment) or isinstance(right, Moment):
        left, right = _moment(left), _moment(right)
        comparable = isinstance(left, Moment) and isinstance(right, Moment)
    else:
        both_text = isinstance(left, str) and isinstance(right, str)
        comparable = both_text or (_is_number(left) and _is_number(right))
    return function(left, right) if comparable else UNDEFINED


def _arithmetic(function: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    if not (_is_number(left) and _is_number(right)):
        return UNDEFINED
    return defined_only(function, left, right)


def _plus(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    return _arithmetic(operator.add, left, right)


def _in(left: Any, right: Any) -> Any:
    if isinstance(right, list):
        return contains(right, left)
    both_text = isinstance(left, str) and isinstance(right, str)
    return left in right if both_text else UNDEFINED


def _round(value: float) -> int:
    return math.floor(value + 0.5)


def _boolean(value: Any) -> bool:
    """Truth as the page on data types defines it: "false", 0, "" and missing values are false."""
    return value is not UNDEFINED and value not in ("false", 0, None, "", False)


def _number(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return float(value)
    return float(value) if isinstance(value, str) else UNDEFINED


def _string(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if _is_number(value):
        return str(int(value) if value == int(value) else value)
    return value


def _moment(value: Any) -> Any:
    """Seconds, milliseconds or an ISO 8601 text as a moment."""
    if isinstance(value, str):
        return defined_only(lambda text: Moment(parse_iso(text)), value)
    if isinstance(value, Moment):
        return value
    number = seconds(value)
    return UNDEFINED if number is None else Moment(number)


FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "defined": lambda value: value is not UNDEFINED and value is not None,
    "floor": partial(if_number, math.floor),
    "round": partial(if_number, _round),
    "ceil": partial(if_number, math.ceil),
    "boolean": _boolean,
    "number": _number,
    "string": _string,
    "datetime": _moment,
}


BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": _plus,
    "-": partial(_arithmetic, operator.sub),
    "*": partial(_arithmetic, operator.mul),
    "/": partial(_arithmetic, operator.truediv),
    "%": partial(_arithmetic, math.fmod),
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    ">": partial(_compare, operator.gt),
    ">=": partial(_compare, operator.ge),
    "<": partial(_compare, operator.lt),
    "<=": partial(_compare, operator.le),
    "in": _in,
}
