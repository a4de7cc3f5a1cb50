"""Engage over lines of JSON: each message is processed at its time of arrival."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from translator.bulk import is_blank, parse_line
from translator.core.errors import TranslationError
from translator.core.operations import Failure, Json
from translator.core.values.timestamps import parse
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
            value = message.get(field)
            found = None if value is None else parse(value)
            if found is not None:
                return min(found, now_ms)
    return now_ms


def run(
    blocks: Iterable[Sequence[bytes]], engage: Engage, now_ms: int, *, done: int = 0
) -> Iterator[EngageStep]:
    """The messages that the lines cause, in order, and then those until now.

    The lines come in blocks; the people of a block are loaded together. `done` is the number of
    lines before these. An invalid line is reported and a blank one is ignored; the rest is
    processed.
    """
    for block in blocks:
        messages = [_parsed(line) for line in block]
        engage.load_people(messages)
        for line, message in zip(block, messages, strict=True):
            if is_blank(line):
                done += 1
                yield EngageStep([], done)
                continue
            try:
                if isinstance(message, TranslationError):
                    raise message
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


def _parsed(line: bytes) -> Any:
    """The JSON value of a line, or the error; None for a blank line."""
    try:
        return None if is_blank(line) else parse_line(line)
    except TranslationError as error:
        return error
