"""The terms of a search: the fields, and a test for each kind of term."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from lark import Token, Tree

from mock_mixpanel.json_values import identifier
from mock_mixpanel.simulation.clock import parse_iso

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


_AGE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhd])", re.IGNORECASE)


class SearchError(ValueError):
    """A search that cannot be read; the message says where and what was meant."""


class Subject(NamedTuple):
    """The subject of a search: the values of each field.

    A field that is not there does not apply. `properties` are those of `prop.NAME`, `text` is the
    whole as text. `at` is the moment (virtual seconds) that `since` and `until` compare.
    """

    values: Mapping[str, Callable[[], Sequence[Any]]]
    properties: Mapping[str, Any]
    text: Callable[[], str]
    at: float


Test = Callable[[Subject], bool]


class Field(NamedTuple):
    """The comparison of a field's values: `text`, `contains`, `number`, `choice` or `moment`."""

    kind: str
    what: str
    choices: tuple[str, ...] = ()


FIELDS = {
    "endpoint": Field("text", "path of the request, such as /track"),
    "method": Field("text", "method of the request"),
    "status": Field("number", "status of the answer"),
    "fault": Field("choice", "whether a fault rule acted on the request", ("yes", "no")),
    "sender": Field("contains", "User-Agent of the request"),
    "verdict": Field("choice", "verdict on the record", ("accepted", "noted", "rejected")),
    "reason": Field("contains", "reason against the record"),
    "kind": Field("choice", "what the record is", ("event", "profile", "group", "task")),
    "fate": Field(
        "choice",
        "status of the record",
        ("seen", "applied", "duplicate", "waiting", "split", "erased", "rejected", "stored"),
    ),
    "event": Field("text", "name of the event"),
    "id": Field("text", "any id in the record, or any id of the person or group"),
    "key": Field("text", "group key"),
    "token": Field("text", "token of the project"),
    "region": Field("choice", "residency", ("us", "eu", "in")),
    "request": Field("number", "id of the request"),
    "record": Field("number", "id of the record"),
    "since": Field("moment", "received after, as an age such as 10m or a time"),
    "until": Field("moment", "received before, as an age or a time"),
}
"""Besides `prop.NAME`, a property of the event, update or profile."""


def value_of(tree: Tree[Token]) -> tuple[str, int]:
    """The text of a value, and the character where it begins."""
    token = tree.children[0]
    assert isinstance(token, Token)
    place = (token.start_pos or 0) + 1
    if token.type == "STRING":
        return _unquoted(token), place
    return str(token), place


def quoted(text: str) -> str:
    """A text in quotes, as a value of a search."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def negated_test(test: Test) -> Test:
    return lambda subject: not test(subject)


def word_test(word: str) -> Test:
    wanted = word.casefold()
    return lambda subject: wanted in subject.text().casefold()


def comparison(token: Token, operator: str, tree: Tree[Token], now: float) -> Test:
    value, place = value_of(tree)
    if "." in token:
        name = str(token).partition(".")[2]
        return _property_test(_unquoted(name) if name[:1] == '"' else name, operator, value, place)
    name = str(token).lower()
    kind = FIELDS[name].kind
    if kind == "moment":
        moment = _moment(value, place, now)
        if name == "since":
            return lambda subject: subject.at > moment
        return lambda subject: subject.at < moment
    if kind == "number":
        compare = _number_comparison(operator, value, place, name)
        return _any_value(name, lambda each: isinstance(each, int | float) and compare(each))
    if operator not in (":", "="):
        raise SearchError(f"q: character {place - 1}: {name} is a text; use {name}:{value}")
    if kind == "choice":
        choices = FIELDS[name].choices
        if value.lower() not in choices:
            raise SearchError(
                f"q: character {place}: {name} is one of {', '.join(choices)}, not {value!r}"
            )
        return _any_value(name, lambda each: each == value.lower())
    pattern = _pattern(f"*{value}*" if kind == "contains" else value)
    return _any_value(name, lambda each: pattern(str(each)))


def _any_value(name: str, test: Callable[[Any], bool]) -> Test:
    def found(subject: Subject) -> bool:
        values = subject.values.get(name)
        return values is not None and any(test(each) for each in values())

    return found


def _property_test(name: str, operator: str, value: str, place: int) -> Test:
    if operator in (":", "="):
        pattern = _pattern(value)

        def test(found: Any) -> bool:
            values = found if isinstance(found, list) else [found]
            return any(pattern(_shown(each)) for each in values)
    else:
        number = _number(value)
        compares = _COMPARISONS[operator]

        def test(found: Any) -> bool:
            if isinstance(found, int | float) and not isinstance(found, bool):
                return number is not None and compares(found, number)
            return isinstance(found, str) and compares(found, value)

    return lambda subject: name in subject.properties and test(subject.properties[name])


def _shown(value: Any) -> str:
    return text_of(value) if value is None or isinstance(value, bool) else identifier(value)


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    ":": lambda one, other: bool(one == other),
    "=": lambda one, other: bool(one == other),
    ">": lambda one, other: bool(one > other),
    "<": lambda one, other: bool(one < other),
    ">=": lambda one, other: bool(one >= other),
    "<=": lambda one, other: bool(one <= other),
}


def _number_comparison(
    operator: str, value: str, place: int, name: str
) -> Callable[[int | float], bool]:
    number = _number(value)
    if number is None:
        raise SearchError(f"q: character {place}: {name} is a number, not {value!r}")
    return lambda each: _COMPARISONS[operator](each, number)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _pattern(value: str) -> Callable[[str], bool]:
    """Whether a text matches this value; `*` in the value matches any characters."""
    wanted = value.casefold()
    if "*" not in wanted:
        return lambda text: text.casefold() == wanted
    first, *middle, last = re.split(r"\*+", wanted)
    return lambda text: _fits(text.casefold(), first, middle, last)


def _fits(text: str, first: str, middle: Sequence[str], last: str) -> bool:
    """Whether a text begins and ends so, with the other pieces in order in between.

    By hand, since a regular expression of many `.*` can take exponential time.
    """
    if len(text) < len(first) + len(last) or not text.startswith(first):
        return False
    if not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return True


def _moment(value: str, place: int, now: float) -> float:
    """An age before now, or an ISO 8601 time, in virtual seconds."""
    age = _AGE.fullmatch(value)
    if age:
        return now - float(age[1]) * _SECONDS[age[2].lower()]
    try:
        # In a query, the + of a time zone arrives as a space.
        return parse_iso(value.replace(" ", "+"))
    except (ValueError, OverflowError) as error:
        wanted = "an age such as 90s, 10m, 2h or 1d, or a time such as 2026-06-15T12:00:00Z"
        raise SearchError(f"q: character {place}: expected {wanted}, got {value!r}") from error


def text_of(value: Any) -> str:
    """A value as text for words to be found in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
