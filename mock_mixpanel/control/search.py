"""The search language of the control API: one parameter `q` for every list.

Terms stand with spaces between them, and all must hold:

    endpoint:/track status:400 verdict:rejected reason:"too old" event:Signed* id:ann
    prop.plan:pro prop.price>10 region:eu since:10m fault:yes -event:$identify words

`-` negates a term. `*` in a value matches any characters. Case does not matter. A term without a
field is looked for in the whole record. `since` and `until` take seconds, minutes, hours or days
(`90s`, `10m`, `2h`, `1d`) before the virtual time, or an ISO 8601 time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedEOF, UnexpectedInput, UnexpectedToken

from mock_mixpanel.control.search_terms import (
    FIELDS,
    SearchError,
    Subject,
    Test,
    comparison,
    negated_test,
    value_of,
    word_test,
)
from mock_mixpanel.suggestions import suggestion

LONGEST = 1000
"""Characters of a search."""
MOST_TERMS = 50


@dataclass(frozen=True)
class Search:
    """A search that was read; without terms it finds everything."""

    tests: tuple[Test, ...] = ()
    fields: frozenset[str] = frozenset()
    """The fields that are used."""

    def matches(self, subject: Subject) -> bool:
        """Whether all terms hold."""
        return all(test(subject) for test in self.tests)

    def __and__(self, other: "Search") -> "Search":
        """The search with the terms of both."""
        return Search((*self.tests, *other.tests), self.fields | other.fields)


def read_search(text: str, now: float, applicable: Sequence[str] = tuple(FIELDS)) -> Search:
    """Read a search, at a moment (virtual seconds). `applicable` are the fields of the list.

    Raises SearchError.
    """
    if len(text) > LONGEST:
        raise SearchError(f"q: {len(text)} characters; at most {LONGEST}")
    if not text:  # Most lists are read without a search; then no grammar is compiled.
        return Search()
    try:
        terms: list[Any] = _parser().parse(text).children
    except UnexpectedInput as error:
        raise SearchError(_explained(text, error)) from error
    if len(terms) > MOST_TERMS:
        raise SearchError(f"q: {len(terms)} terms; at most {MOST_TERMS}")
    tests: list[Test] = []
    used: set[str] = set()
    for term in terms:
        negated = isinstance(term.children[0], Token)
        inner = term.children[-1]
        if inner.data == "word":
            test = word_test(value_of(inner.children[0])[0])
        else:
            name, operator, value = inner.children
            used.add(_checked_field(name, applicable))
            test = comparison(name, str(operator), value, now)
        tests.append(negated_test(test) if negated else test)
    return Search(tuple(tests), frozenset(used))


@cache
def _parser() -> Lark:
    grammar = (files("mock_mixpanel.control") / "search.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=False)


def _explained(text: str, error: UnexpectedInput) -> str:
    """The place of an error in a search, and the advice."""
    if isinstance(error, UnexpectedEOF) or (
        isinstance(error, UnexpectedToken) and error.token.type == "$END"
    ):
        return f"q: at its end, after {text.strip()[-20:]!r}: a value is missing"
    place = (error.pos_in_stream or 0) + 1
    if text[place - 1 : place] == '"':
        return f'q: character {place}: the quote is not closed; write \\" for a quote in a text'
    return f"q: character {place}: {text[place - 1 : place + 19]!r} is not expected here"


def _checked_field(token: Token, applicable: Sequence[str]) -> str:
    """The name of a field that is known and applies to the list."""
    place, name = (token.start_pos or 0) + 1, str(token).partition(".")[0].lower()
    if "." in token:
        if name != "prop":
            raise SearchError(f"q: character {place}: only prop has a name after a dot: prop.NAME")
        return "prop"
    if name == "prop":
        raise SearchError(f"q: character {place}: prop needs a name, as in prop.plan:pro")
    if name not in FIELDS:
        hint = suggestion(name, [*FIELDS, "prop.NAME"])
        raise SearchError(
            f"q: character {place}: there is no field {name!r} "
            f"(to search for the text, put it in quotes){hint}"
        )
    if name not in applicable:
        raise SearchError(
            f"q: character {place}: {name} does not apply to this list; "
            f"use {', '.join(applicable)} or prop.NAME"
        )
    return name
