"""Engage over lines of JSON: each message is taken in at the time at which it arrived."""

from collections.abc import Iterable, Iterator
from typing import Any

from translator.bulk import parse_line
from translator.core.errors import TranslationError
from translator.core.operations import Failure, Json
from translator.core.timestamps import parse
from translator.engage.engine import Engage


def arrival_ms(message: Any, now_ms: int) -> int:
    """When a message arrived: `receivedAt`, else its timestamp, but never later than now.

    A message that says nothing arrives now. All in milliseconds since 1970.
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
    """What comes of the lines, one after the other, and of the time from the last one until now.

    A line that cannot be used gives its number, from 1, and why; it stops only itself.
    """
    for number, line in enumerate(lines, 1):
        try:
            message = parse_line(line)
            yield from engage.take(message, arrival_ms(message, now_ms))
        except TranslationError as error:
            yield number, error.failure
    yield from engage.advance(now_ms)
