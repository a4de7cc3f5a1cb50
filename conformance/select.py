"""Which scenarios to run: `-k` with the words of pytest's, and `--tag`."""

import re
from collections.abc import Callable, Iterable

from conformance.captures import Capture
from conformance.errors import UsageError
from conformance.loader import Scenario

_TOKEN = re.compile(r"\s*(?:(?P<bracket>[()])|(?P<word>[^\s()]+))")

Test = Callable[[str], bool]


def matcher(expression: str) -> Test:
    """A test of a name: substrings joined by `and`, `or`, `not` and brackets; case is ignored.

    Raises UsageError for an expression that makes no sense.
    """
    tokens = [match["bracket"] or match["word"] for match in _TOKEN.finditer(expression)]
    parser = _Parser(tokens, expression)
    test = parser.alternatives()
    if parser.tokens:
        parser.fail(parser.tokens[0])
    return lambda name: test(name.lower())


def select(
    scenarios: Iterable[Scenario], keyword: str | None = None, tags: Iterable[str] = ()
) -> list[Scenario]:
    """Those whose id or title matches the keyword expression and that have all the tags."""
    test = matcher(keyword) if keyword else lambda _: True
    wanted = frozenset(tags)
    return [
        scenario
        for scenario in scenarios
        if wanted <= scenario.tags and test(f"{scenario.id} {scenario.title}")
    ]


def select_captures(
    captures: Iterable[Capture], keyword: str | None = None, tags: Iterable[str] = ()
) -> list[Capture]:
    """Likewise for captures, whose tags are `capture` and their area."""
    test = matcher(keyword) if keyword else lambda _: True
    wanted = frozenset(tags)
    return [
        capture for capture in captures if wanted <= {"capture", capture.area} and test(capture.id)
    ]


class _Parser:
    """Recursive descent over `not`, then `and`, then `or`."""

    def __init__(self, tokens: list[str], expression: str) -> None:
        self.tokens = tokens
        self._expression = expression

    def fail(self, at: str) -> None:
        raise UsageError(
            f"-k {self._expression!r}: did not expect {at!r}; "
            "join words with 'and', 'or', 'not' and brackets"
        )

    def alternatives(self) -> Test:
        test = self._both()
        while self._take("or"):
            test = _either(test, self._both())
        return test

    def _both(self) -> Test:
        test = self._factor()
        while self._take("and"):
            test = _all(test, self._factor())
        return test

    def _factor(self) -> Test:
        if self._take("not"):
            inner = self._factor()
            return lambda name: not inner(name)
        if self._take("("):
            inner = self.alternatives()
            if not self._take(")"):
                self.fail(self.tokens[0] if self.tokens else "the end")
            return inner
        if not self.tokens or self.tokens[0] in ("and", "or", ")"):
            self.fail(self.tokens[0] if self.tokens else "the end")
        word = self.tokens.pop(0).lower()
        return lambda name: word in name

    def _take(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            del self.tokens[0]
            return True
        return False


def _either(first: Test, second: Test) -> Test:
    return lambda name: first(name) or second(name)


def _all(first: Test, second: Test) -> Test:
    return lambda name: first(name) and second(name)
