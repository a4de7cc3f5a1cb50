"""Structured logs: one JSON object a line, through the standard `logging`.

As a library, the sender only gives records to the logger `translator.sender`; add a handler to see
them. The commands add the handler of this module.
"""

import logging
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

from translator.core.operations import Json
from translator.sender.commands.progress import write_line
from translator.sender.dispatch.circuit_breaker import CircuitState
from translator.sender.dispatch.delivery_events import (
    AliasHold,
    BatchSplit,
    CircuitChanged,
    DeliveryEvent,
    RetryScheduled,
)
from translator.sender.queue.payload_text import encode
from translator.sender.redaction import Redactor

LEVELS = ("debug", "info", "warning", "error")
DEFAULT_LEVEL = "warning"

NUMBERS = int | float | None
"""Values that are logged as they are. All others are text, which may hold a secret."""

log = logging.getLogger("translator.sender")
log.addHandler(logging.NullHandler())

EVENTS = {
    RetryScheduled: ("retry", logging.WARNING),
    BatchSplit: ("split", logging.INFO),
    AliasHold: ("hold", logging.DEBUG),
}
CIRCUIT_LEVELS = {
    CircuitState.CLOSED: logging.WARNING,
    CircuitState.OPEN: logging.WARNING,
    CircuitState.HALF_OPEN: logging.INFO,
    CircuitState.GIVEN_UP: logging.ERROR,
}
"""The level of each event; a host that is back ends the warning that it was gone."""


class LogEvent:
    """The message of a log record: what happened, with named values.

    As text it looks like `retry endpoint=/track wait=2.0`.
    """

    __slots__ = ("event", "particulars")

    def __init__(self, event: str, **particulars: Any) -> None:
        self.event = event
        self.particulars = particulars

    def __str__(self) -> str:
        said = (f"{name}={value}" for name, value in self.particulars.items())
        return " ".join((self.event, *said))


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: `at`, `level`, `logger`, and `event` with its values.

    A record of another library has its `message`, and one of an exception its `trace`. `redact`
    hides secrets in each text. `now` gives seconds since 1970.
    """

    def __init__(self, redact: Callable[[str], str], now: Callable[[], float]) -> None:
        super().__init__()
        self._redact = redact
        self._now = now

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: Json = {
            "at": datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if isinstance(record.msg, LogEvent):
            said = {"event": record.msg.event, **record.msg.particulars}
        else:
            said = {"message": record.getMessage()}
        if record.exc_info:
            said["trace"] = _trace(record.exc_info)
        for name, value in said.items():
            line[name] = value if isinstance(value, NUMBERS) else self._redact(str(value))
        return encode(line).decode()


def _trace(error: Any) -> str:
    """The stack and the type of an exception, without its text, which may quote data."""
    kind, _, frames = error
    return "".join((*traceback.format_tb(frames), getattr(kind, "__name__", "")))


class LineHandler(logging.Handler):
    """Writes each record as a line of a stream, above a progress line if there is one."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a closed stream is not an error."""
        try:
            write_line(self.format(record), self._stream)
        except Exception:
            self.handleError(record)


@contextmanager
def logging_to(
    stream: TextIO,
    level: str,
    *,
    secrets: Iterable[str] = (),
    tokens: Iterable[str] = (),
    redact: Callable[[str], str] | None = None,
    now: Callable[[], float] = time.time,
) -> Iterator[None]:
    """Until the block ends, records of at least a level go to a stream, one JSON object a line.

    `level` is one of LEVELS; other libraries' records appear from level warning on. `secrets` and
    `tokens` are hidden. `redact` replaces both if the secrets may change.
    """
    handler = LineHandler(stream)
    handler.setFormatter(JsonFormatter(redact or Redactor(secrets, tokens), now))
    handler.setLevel(level.upper())
    everything, ours = logging.getLogger(), logging.getLogger("translator")
    before = ours.level
    everything.addHandler(handler)
    ours.setLevel(level.upper())
    try:
        yield
    finally:
        ours.setLevel(before)
        everything.removeHandler(handler)


def log_delivery_event(
    event: DeliveryEvent, redact: Callable[[str], str], address: str | None = None
) -> None:
    """Log an event of the dispatch; `address` is the base URL that replaces its host."""
    if isinstance(event, CircuitChanged):
        name, level = "circuit", CIRCUIT_LEVELS[event.state]
    else:
        name, level = EVENTS[type(event)]
    if log.isEnabledFor(level):
        said: Json = {}
        for key, value in event._asdict().items():
            if isinstance(value, float):
                said[key] = round(value, 3)
            elif value is not None:
                said[key] = redact(value) if key == "reason" else value
            if key == "host" and address is not None:
                said["address"] = address
        log.log(level, LogEvent(name, **said))
