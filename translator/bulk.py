"""Translates JSON lines to JSON lines, in the same order, on one core or on all.

An invalid line gives an error and does not stop the others; a blank line is ignored. Memory stays
bounded: the input is cut into chunks of whole lines, and only a few chunks are in work at a time.
"""

import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from functools import partial
from io import BytesIO
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

import orjson

from translator.cloud.translate import translate_message
from translator.core.compiled_settings import CompiledSettings, compile_settings
from translator.core.errors import TranslationError
from translator.core.message import message_id
from translator.core.operations import Result
from translator.core.properties.mapping import STANDARD, PropertyMap
from translator.core.rules import Rules
from translator.core.settings import Settings
from translator.core.values.json_values import (
    MAX_NESTING,
    check,
    has_long_number,
    whole_number,
)
from translator.device.session import Session, SessionStep, with_start_up

CHUNK_BYTES = 1 << 17
"""The input is read in chunks of this size. Larger ones cost time: their results need memory that
the processor does not have in its cache."""

MAX_LINE_BYTES = 16 << 20
PARALLEL_FROM_BYTES = 4 << 20
"""Smaller inputs are translated by one process: a second one would start too late."""


_LINE = orjson.OPT_APPEND_NEWLINE
_NOT_OPENERS = bytes(byte for byte in range(256) if byte not in b"{[\n")


class Job(NamedTuple):
    """The input of a worker process besides the lines. `now_ms` is in milliseconds since 1970."""

    settings: Settings
    rules: Rules
    now_ms: int | None
    mapping: PropertyMap = STANDARD


def translate_line(line: bytes, compiled: CompiledSettings, now_ms: int | None) -> Result:
    """The result for one line of JSON text, with or without the line's end. Never raises."""
    try:
        return translate_message(parse_line(line), compiled, now_ms)
    except TranslationError as error:
        return Result(None, error=error.failure)
    except Exception as error:
        return _our_defect(error)


def translate_parsed(
    message: Any, compiled: CompiledSettings, now_ms: int | None, *, checked: bool
) -> Result:
    """The result for the JSON value of a message. Never raises.

    `checked`: the value is known to be valid JSON and not nested too deeply.
    """
    try:
        if not checked:
            check(message)
        return translate_message(message, compiled, now_ms)
    except TranslationError as error:
        return Result(message_id(message), error=error.failure)
    except Exception as error:
        return _our_defect(error)


def needs_check(line: bytes) -> bool:
    """Whether a line that the JSON parser accepted may be nested too deep."""
    # `replace` finds a byte faster than `count`, which compares byte by byte.
    openers = 2 * len(line) - len(line.replace(b"{", b"")) - len(line.replace(b"[", b""))
    return openers > MAX_NESTING


def parse_line(line: bytes) -> Any:
    """The JSON value of a line, with or without the line's end.

    Raises `TranslationError` with the problem.
    """
    if len(line) > MAX_LINE_BYTES and len(without_end(line)) > MAX_LINE_BYTES:
        raise TranslationError("not_json", f"the line is longer than {MAX_LINE_BYTES} bytes")
    try:
        message = orjson.loads(line)
    except ValueError:
        return _parse_leniently(without_end(line))
    if has_long_number(line):
        return _parse_leniently(without_end(line))
    if needs_check(line):
        check(message)
    return message


def without_end(line: bytes) -> bytes:
    """The line without the line break at its end."""
    return line.removesuffix(b"\n")


def _parse_leniently(line: bytes) -> Any:
    """Parse a line that orjson refuses or reads inexactly (long numbers), to name the field."""
    line = line.removeprefix(BOM_UTF8)  # of a file that was appended to another
    try:
        message = json.loads(line.decode(), parse_int=whole_number)
    except RecursionError:
        raise TranslationError("nesting_too_deep", "the line is nested too deeply") from None
    except ValueError:
        text = f"the line is not JSON in UTF-8: {_problem(line)}; send one object a line"
        raise TranslationError("not_json", text) from None
    check(message)
    return message


def _problem(line: bytes) -> str:
    """The strict parser's error for a line that is not JSON."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"{error.msg}, at column {error.colno}"
    raise AssertionError("the line is JSON")


def answer_line(
    line: bytes, compiled: CompiledSettings, now_ms: int | None, *, plain: bool = False
) -> tuple[bytes, bool]:
    """The answer to a line, which is a line of JSON text with its end, and whether it is an error.

    `plain`: the line is known to be neither too long nor nested too deeply, without long numbers.
    """
    try:
        message = orjson.loads(line) if plain else parse_line(line)
        result = translate_message(message, compiled, now_ms)
    except Exception:
        result = translate_line(line, compiled, now_ms)  # it names the problem
    try:
        return orjson.dumps(result.as_json(), option=_LINE), result.error is not None
    except TypeError as error:
        return orjson.dumps(_our_defect(error).as_json(), option=_LINE), True


def _our_defect(error: Exception) -> Result:
    """The error for a defect of the translator: it stops one line only, and it is visible."""
    text = f"the translator failed on this line, please report it: {error!r:.200}"
    return Result(None, error=TranslationError("internal_error", text).failure)


def translate_chunk(chunk: bytes, job: Job) -> tuple[bytearray, int]:
    """The answers to a chunk of whole lines, and how many of them are errors."""
    compiled = compile_settings(job.settings, job.rules, job.mapping)
    plain = not (len(chunk) > MAX_LINE_BYTES or _has_deep_line(chunk) or has_long_number(chunk))
    now_ms = job.now_ms
    answers = bytearray()
    errors = 0
    # A line and its answer are dropped before the next line, so that the processor's cache holds
    # them; all lines at once, with all answers, would not fit.
    for line in BytesIO(chunk):
        if line.isspace():
            continue
        answer, is_error = answer_line(line, compiled, now_ms, plain=plain)
        errors += is_error
        answers += answer
    return answers, errors


def _has_deep_line(chunk: bytes) -> bool:
    """Whether a line may be nested too deep."""
    openers = chunk.translate(None, _NOT_OPENERS).split(b"\n")
    return max(map(len, openers)) > MAX_NESTING


def is_blank(line: bytes) -> bool:
    """Whether a line is empty or white space, and so no message."""
    return not line or line.isspace()


def chunks(source: BinaryIO) -> Iterator[bytes]:
    """The input in chunks of whole lines. Only the start of a line that is too long is kept."""
    # read1 returns available data, so the lines of a slow producer are translated at once.
    read = getattr(source, "read1", source.read)
    return _of_whole_lines(iter(partial(read, CHUNK_BYTES), b""))


def _full_chunks(source: BinaryIO) -> Iterator[bytes]:
    """The same in chunks of one size, also if the input arrives in small pieces."""
    return _of_whole_lines(iter(partial(source.read, CHUNK_BYTES), b""))


def _of_whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks, cut after the last line that is complete.

    A byte order mark at the start of the input is not a part of the first line.
    """
    whole_lines = _joined(blocks)
    yield from filter(None, (chunk.removeprefix(BOM_UTF8) for chunk in islice(whole_lines, 1)))
    yield from whole_lines


def _joined(blocks: Iterable[bytes]) -> Iterator[bytes]:
    begun = bytearray()  # a line whose end has not arrived yet
    for block in blocks:
        whole, end, rest = block.rpartition(b"\n")
        if end:
            yield b"".join((begun, whole, end))
            begun.clear()
        if len(begun) <= MAX_LINE_BYTES:
            begun += rest
    if begun:
        yield bytes(begun)


def pieces(source: BinaryIO) -> Iterator[list[bytes]]:
    """The lines of the input in the pieces that arrive, with the same limit on length."""
    for chunk in chunks(source):
        yield chunk.removesuffix(b"\n").split(b"\n")


def lines(source: BinaryIO) -> Iterator[bytes]:
    """The input line by line."""
    for piece in pieces(source):
        yield from piece


def translate_stream(source: BinaryIO, sink: BinaryIO, job: Job, *, workers: int = 1) -> int:
    """Write a result for every line of `source` to `sink`, in order. Returns the error count."""
    answered: Iterable[tuple[bytes | bytearray, int]]
    if workers > 1:
        from translator.bulk_workers import in_processes  # multiprocessing takes long to import

        answered = in_processes(translate_chunk, job, _full_chunks(source), workers)
    else:
        answered = (translate_chunk(chunk, job) for chunk in chunks(source))
    total = 0
    for answers, errors in answered:
        sink.write(answers)
        sink.flush()
        total += errors
    return total


def translate_session_stream(source: BinaryIO, sink: BinaryIO, session: Session) -> int:
    """Write a result for every line of one session to `sink`, in order. Returns the error count.

    The start-up calls are part of the result of the first line, also if that line has an error.
    """
    started: Result | None = session.start().result
    errors = 0
    for line in lines(source):
        if is_blank(line):
            continue
        result = session_line(line, session).result
        if started:
            result, started = with_start_up(started, result), None
        sink.write(_json_line(result))
        sink.flush()
        errors += result.error is not None
    return errors


def session_line(line: bytes, session: Session) -> SessionStep:
    """The result for one line of JSON text in a session. Never raises."""
    try:
        return session.deliver(parse_line(line))
    except TranslationError as error:
        return SessionStep(Result(None, error=error.failure, calls=()))
    except Exception as error:
        return SessionStep(_our_defect(error)._replace(calls=()))


def _json_line(result: Result) -> bytes:
    """A result as a line of JSON text, with any text and number that a browser can produce."""
    found = result.as_json()
    try:
        return orjson.dumps(found) + b"\n"
    except TypeError:
        # orjson refuses lone surrogates and integers of more than 64 bits.
        return json.dumps(found).encode() + b"\n"
