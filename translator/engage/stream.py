"""Engage over lines of JSON: each message is processed at its time of arrival."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from translator.bulk import is_blank, parse_line
from translator.core.errors import TranslationError
from translator.core.operations import Failure, Json
from translator.core.timestamps import parse
from translator.engage.engine import Engage


class EngageStep(NamedTuple):
    """The messages of one step, after which the state of Engage is consistent.

    `lines` counts the lines whose effects are complete. `failure` is the reason if the last of them
    is invalid.
    """

    messages: list[Json]
    lines: int
    failure: Failure | None = None


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
    lines: Iterable[bytes], engage: Engage, now_ms: int, *, done: int = 0
) -> Iterator[EngageStep]:
    """The messages that the lines cause, in order, and then those until now.

    `done` is the number of lines before these. An invalid line is reported and a blank one is
    ignored; the rest is processed.
    """
    for line in lines:
        if is_blank(line):
            done += 1
            yield EngageStep([], done)
            continue
        try:
            message = parse_line(line)
            checked = engage.checked(message, arrival_ms(message, now_ms))
        except TranslationError as error:
            done += 1
            yield EngageStep([], done, error.failure)
            continue
        for made in engage.advance_in_steps(checked.now_ms):
            yield EngageStep(made, done)
        made = engage.apply(checked)
        done += 1
        yield EngageStep(made, done)
    for made in engage.advance_in_steps(now_ms):
        yield EngageStep(made, done)
