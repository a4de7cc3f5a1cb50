"""Engage over lines of JSON: each message is processed at its time of arrival."""

from collections.abc import Iterable, Iterator
from typing import Any

from translator.bulk import parse_line
from translator.core.errors import TranslationError
from translator.core.operations import Failure, Json
from translator.core.timestamps import parse
from translator.engage.engine import Engage


def arrival_ms(message: Any, now_ms: int) -> int:
    """The time of arrival: `receivedAt`, else the timestamp, but never later than now.

    A message without both arrives now. All times are in milliseconds since 1970.
    """
    if type(message) is dict:
        for field in ("receivedAt", "timestamp"):
            found = parse(message.get(field))
            if found is not None:
                return min(found, now_ms)
    return now_ms


def run(
    lines: Iterable[bytes], engage: Engage, now_ms: int
) -> Iterator[Json | tuple[int, Failure]]:
    """The messages that the lines cause, in order, and then those until now.

    An invalid line gives its number, counted from 1, and the reason; the rest is processed.
    """
    for number, line in enumerate(lines, 1):
        try:
            message = parse_line(line)
            yield from engage.take(message, arrival_ms(message, now_ms))
        except TranslationError as error:
            yield number, error.failure
    yield from engage.advance(now_ms)
