"""The language of `where` and `on`: compiles an expression to a function of a row.

Grammar and semantics are those of Mixpanel's page on segmentation expressions
(docs/facts/mixpanel-http-api.md#other-query-routes). Undefined is a value of its own; a row is
selected if the whole expression is true. Choices where that page is silent: two texts compare by
their characters; anything that can be read as a time compares with a `datetime()`; `in` on a list
property means one of its members; quotes may be single; what is out of range is undefined.
"""

import math
import operator
from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple, cast

from lark import Lark, Token, Transformer, UnexpectedInput, v_args
from lark.exceptions import VisitError

from mock_mixpanel.json_values import contains, same, seconds
from mock_mixpanel.simulation.clock import parse_iso

MAX_CHARACTERS = 20_000

GRAMMAR = r"""
    ?start: either
    ?either: both | either "or" both -> either
    ?both: inverse | both "and" inverse -> both
    ?inverse: compared | "not" inverse -> negation
    ?compared: sum | compared COMPARISON sum -> binary | compared IN sum -> binary
    ?sum: product | sum (PLUS | MINUS) product -> binary
    ?product: unary | product FACTOR unary -> binary
    ?unary: atom | "-" unary -> minus
    ?atom: SCOPE "[" STRING "]" -> property
         | FUNCTION "(" either ")" -> call
         | "(" either ")"
         | "[" [either ("," either)*] "]" -> list
         | NUMBER -> number
         | STRING -> text
         | "true" -> true
         | "false" -> false
    COMPARISON: "==" | "!=" | ">=" | "<=" | ">" | "<"
    IN: "in"
    PLUS: "+"
    MINUS: "-"
    FACTOR: "*" | "/" | "%"
    SCOPE: "properties" | "user" | "event"
    FUNCTION: "defined" | "floor" | "round" | "ceil" | "boolean" | "number" | "string" | "datetime"
    STRING: /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/s
    %import common.NUMBER
    %import common.WS
    %ignore WS
"""


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


class WhereRow(NamedTuple):
    """The properties that an expression can read: those of the row and those of its person."""

    properties: Mapping[str, Any]
    user: Mapping[str, Any]


Compute = Callable[[WhereRow], Any]


def compile_where(text: str) -> Callable[[WhereRow], bool]:
    """The predicate of an expression.

    Raises ExpressionError if it is not in the language; the predicate raises it for a row whose
    values `and` or `or` do not take.
    """
    compute = compile_value(text)
    return lambda row: compute(row) is True


@lru_cache(maxsize=256)
def compile_value(text: str) -> Compute:
    """The function that computes the value of an expression; its errors are those of
    `compile_where`."""
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"longer than {MAX_CHARACTERS} characters")
    try:
        compute = cast(Compute, _parser().parse(text))  # the transformer leaves no tree
    except UnexpectedInput as error:
        place = f"line {error.line}, column {error.column}"
        hint = error.get_context(text, 20).splitlines()[0].strip() if text.strip() else "nothing"
        raise ExpressionError(f"cannot be read at {place}: {hint}") from None
    except VisitError as error:
        raise ExpressionError(str(error.orig_exc)) from None

    def value(row: WhereRow) -> Any:
        try:
            return compute(row)
        except RecursionError:
            raise ExpressionError("nested too deeply") from None

    return value


@v_args(inline=True)
class _Compiler(Transformer[Token, Compute]):
    """From each rule of the grammar to the function that computes it."""

    def property(self, scope: Token, name: Token) -> Compute:
        key = _unquoted(name)
        if scope == "user":
            return lambda row: row.user.get(key, UNDEFINED)
        return lambda row: row.properties.get(key, UNDEFINED)

    def number(self, digits: Token) -> Compute:
        value = float(digits)
        if not math.isfinite(value):
            raise ExpressionError(f"{digits[:20]} is out of range")
        return lambda row: value

    def text(self, quoted: Token) -> Compute:
        value = _unquoted(quoted)
        return lambda row: value

    def true(self) -> Compute:
        return lambda row: True

    def false(self) -> Compute:
        return lambda row: False

    def list(self, *items: Compute | None) -> Compute:
        return lambda row: [item(row) for item in items if item]

    def call(self, name: Token, argument: Compute) -> Compute:
        function = partial(_defined_only, FUNCTIONS[name])
        return lambda row: function(argument(row))

    def binary(self, left: Compute, name: Token, right: Compute) -> Compute:
        function = BINARY[name]
        return lambda row: function(left(row), right(row))

    def minus(self, operand: Compute) -> Compute:
        return lambda row: _if_number(operator.neg, operand(row))

    def negation(self, operand: Compute) -> Compute:
        return lambda row: _not(operand(row))

    def both(self, left: Compute, right: Compute) -> Compute:
        return lambda row: _logical("and", left(row)) and _logical("and", right(row))

    def either(self, left: Compute, right: Compute) -> Compute:
        return lambda row: _logical("or", left(row)) or _logical("or", right(row))


def _unquoted(token: Token) -> str:
    """A quoted text without its quotes; a backslash escapes the next character."""
    inner = iter(token[1:-1])
    return "".join(next(inner) if char == "\\" else char for char in inner)


def _defined_only(function: Callable[..., Any], *values: Any) -> Any:
    """The result, undefined where it is out of range."""
    try:
        result = function(*values)
    except (ArithmeticError, ValueError):
        return UNDEFINED
    return UNDEFINED if isinstance(result, float) and not math.isfinite(result) else result


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _if_number(function: Callable[[Any], Any], value: Any) -> Any:
    return function(value) if _is_number(value) else UNDEFINED


def _logical(name: str, value: Any) -> bool:
    if value is UNDEFINED:
        return False
    if not isinstance(value, bool):
        raise ExpressionError(f"{name}: takes booleans, got a {type(value).__name__}")
    return value


def _not(value: Any) -> Any:
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
    return _defined_only(function, left, right)


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
        return _defined_only(lambda text: Moment(parse_iso(text)), value)
    if isinstance(value, Moment):
        return value
    number = seconds(value)
    return UNDEFINED if number is None else Moment(number)


FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "defined": lambda value: value is not UNDEFINED and value is not None,
    "floor": partial(_if_number, math.floor),
    "round": partial(_if_number, _round),
    "ceil": partial(_if_number, math.ceil),
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


@cache
def _parser() -> Lark:
    """The parser; built for the first expression, since that takes a tenth of a second."""
    return Lark(GRAMMAR, parser="lalr", transformer=_Compiler())
