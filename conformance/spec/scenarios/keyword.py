"""The expression of `-k`: words joined by `and`, `or`, `not` and brackets, as in pytest."""

from collections.abc import Callable
from functools import cache

from lark import Lark, Token, Transformer, UnexpectedToken, v_args

from conformance.errors import UsageError

Test = Callable[[str], bool]

GRAMMAR = r"""
    ?start: either
    ?either: both (_OR both)*
    ?both: inverse (_AND inverse)*
    ?inverse: WORD -> word | _NOT inverse -> negation | "(" either ")"
    WORD: /(?!(and|or|not)(?=[\s()]|$))[^\s()]+/
    _AND: /and(?=[\s()]|$)/
    _OR: /or(?=[\s()]|$)/
    _NOT: /not(?=[\s()]|$)/
    %import common.WS
    %ignore WS
"""


def matcher(expression: str) -> Test:
    """A test of a name: whether it contains the words of the expression; case is ignored.

    Raises UsageError for an expression with a syntax error.
    """
    try:
        test: Test = _parser().parse(expression)  # type: ignore[assignment]  # the transformer's
    except UnexpectedToken as error:
        ended = error.token.type == "$END"
        problem = "a word is missing at the end" if ended else f"unexpected {str(error.token)!r}"
        raise UsageError(
            f"-k {expression!r}: {problem}; join words with 'and', 'or', 'not' and brackets"
        ) from None
    return lambda name: test(name.lower())


@v_args(inline=True)
class _Compiler(Transformer[Token, Test]):
    """From each rule of the grammar to a test of a lower-case name."""

    def word(self, token: Token) -> Test:
        word = token.lower()
        return lambda name: word in name

    def negation(self, test: Test) -> Test:
        return lambda name: not test(name)

    def both(self, *tests: Test) -> Test:
        return lambda name: all(test(name) for test in tests)

    def either(self, *tests: Test) -> Test:
        return lambda name: any(test(name) for test in tests)


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", transformer=_Compiler())
