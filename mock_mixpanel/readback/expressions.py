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

from mock_mixpanel.readback.expression_values import (
    BINARY,
    FUNCTIONS,
    UNDEFINED,
    ExpressionError,
    defined_only,
    if_number,
    logical,
    negation_of,
)

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
        function = partial(defined_only, FUNCTIONS[name])
        return lambda row: function(argument(row))

    def binary(self, left: Compute, name: Token, right: Compute) -> Compute:
        function = BINARY[name]
        return lambda row: function(left(row), right(row))

    def minus(self, operand: Compute) -> Compute:
        return lambda row: if_number(operator.neg, operand(row))

    def negation(self, operand: Compute) -> Compute:
        return lambda row: negation_of(operand(row))

    def both(self, left: Compute, right: Compute) -> Compute:
        return lambda row: logical("and", left(row)) and logical("and", right(row))

    def either(self, left: Compute, right: Compute) -> Compute:
        return lambda row: logical("or", left(row)) or logical("or", right(row))


def _unquoted(token: Token) -> str:
    """A quoted text without its quotes; a backslash escapes the next character."""
    inner = iter(token[1:-1])
    return "".join(next(inner) if char == "\\" else char for char in inner)


@cache
def _parser() -> Lark:
    """The parser; built for the first expression, since that takes a tenth of a second."""
    return Lark(GRAMMAR, parser="lalr", transformer=_Compiler())
