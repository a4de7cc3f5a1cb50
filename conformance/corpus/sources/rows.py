"""The result of importing a row: a Segment message, or the reason why the row is left out."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from conformance.spec.scenarios.loading import Json
from translator.core.values.json_values import normalised

TYPES = frozenset(["track", "identify", "page", "screen", "group", "alias"])

EXAMPLES = 3
"""Examples that the summary shows for each code."""

_SECRETS = frozenset(["writekey", "authorization", "apisecret", "apikey", "mixpaneltoken"])
"""Normalised names of members that hold credentials."""

MAX_NESTING = 200
"""Levels of nesting in a message; deeper messages cannot be searched for secrets."""


class RowError(Exception):
    """A row that gives no message. `code` names the kind of problem, the text says what is wrong.

    The text names fields and types. It never holds a value of the row.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def nested_too_deeply() -> RowError:
    """The error of a row with more than MAX_NESTING levels of nesting."""
    return RowError("nested_too_deeply", f"more than {MAX_NESTING} levels of nesting")


class ImportedRow(NamedTuple):
    """A row of a source: its place, and its message or the error.

    `line` is the message as a line of a corpus, without the line break.
    """

    where: str
    message: Json | RowError
    line: bytes = b""


Rows = Iterator[ImportedRow]


class ImportSummary:
    """Counts messages by type and left-out rows by code, with the first examples of each code."""

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        """Requests that are not analytics calls, by reason. They are not counted as left out."""
        self._examples: dict[str, list[str]] = {}

    def add(self, row: ImportedRow) -> None:
        """Count a row."""
        if isinstance(row.message, RowError):
            code = row.message.code
            self.left_out[code] += 1
            examples = self._examples.setdefault(code, [])
            if len(examples) < EXAMPLES:
                examples.append(f"{row.where}: {row.message}")
        else:
            self.messages[row.message["type"]] += 1

    def text(self) -> str:
        """The summary as lines of text."""
        types = ", ".join(f"{count} {kind}" for kind, count in sorted(self.messages.items()))
        lines = [f"imported: {self.messages.total()} messages" + (f" ({types})" if types else "")]
        lines += [f"ignored: {count} {why}" for why, count in sorted(self.ignored.items())]
        if self.left_out:
            lines.append(f"left out: {self.left_out.total()} rows")
        for code, count in sorted(self.left_out.items()):
            lines.append(f"  {code}: {count}")
            lines += [f"    {example}" for example in self._examples[code]]
        return "\n".join(lines)


def imported(where: str, read: Callable[..., Any], *arguments: Any) -> ImportedRow:
    """The row at a place, with the message that `read` returns or the RowError that it raises."""
    try:
        message = as_message(read(*arguments))
        return ImportedRow(where, message, _line(message))
    except RowError as error:
        return ImportedRow(where, error)


def as_message(value: Any) -> Json:
    """The value as a Segment message without credentials. Raises RowError."""
    if type(value) is not dict:
        raise RowError("not_an_object", "a message must be a JSON object")
    kind = value.get("type")
    if kind is None:
        raise RowError("no_type", "the message has no type")
    if type(kind) is not str or kind not in TYPES:
        raise RowError("unknown_type", f"type must be one of {', '.join(sorted(TYPES))}")
    message: Json = _without_secrets(value)
    return message


def _line(message: Json) -> bytes:
    try:
        return orjson.dumps(message)
    except TypeError:
        pass
    try:
        # Integers of more than 64 bits are JSON too.
        return json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise RowError("not_utf8", "a text is not valid UTF-8") from None
    except (TypeError, ValueError):
        raise RowError("not_json", "a value has no form in JSON") from None


def _without_secrets(value: Any, level: int = 0) -> Any:
    if level > MAX_NESTING:
        raise nested_too_deeply()
    if type(value) is dict:
        return {
            key: _without_secrets(item, level + 1)
            for key, item in value.items()
            if normalised(key) not in _SECRETS
        }
    return [_without_secrets(item, level + 1) for item in value] if type(value) is list else value
