"""One line of a corpus: a Segment message, alone or with settings and a time.

    {"type": "track", ...}                                            a message
    {"message": {...}, "settings": {...}, "now": "...", "id": "..."}  an entry; all but the message
                                                                      may be left out
    {"session": [{...}, ...], "settings": {...}, "env": {...}}        the calls on one page
    {"session": [{...}, ...], "settings": {...}, "mode": "ios"}       the calls in one app

A capture of the classic integration is an entry with `requests`, and its settings are under the
classic integration's keys.
"""

from datetime import datetime
from typing import Any, NamedTuple

from conformance.runner.captures.cloud import destination_settings
from conformance.spec.scenarios.loading import Json
from translator import Settings
from translator.bulk import needs_check, parse_line
from translator.core.errors import TranslationError
from translator.core.values.json_values import has_long_number, parse_exactly


class BadLine(Exception):
    """A line that is not an entry. The text says why; `problem` does not show the line."""

    def __init__(self, problem: str, shown: str = "") -> None:
        super().__init__(f"{problem}: {shown}" if shown else problem)
        self.problem = problem


class CorpusEntry(NamedTuple):
    """A message of a corpus, its place, and its own settings and time.

    `settings` and `now` (aware) are None if the line does not contain them. `session`: the message
    is a line with a whole session of a page or app. `plain`: the message was JSON text that cannot
    be nested too deeply and has no long numbers.
    """

    where: str
    message: Any
    id: str | None = None
    settings: Json | None = None
    now: datetime | None = None
    plain: bool = False
    session: bool = False


def read_entry(line: bytes, where: str) -> CorpusEntry:
    """The entry on a line. Raises BadLine if the line is not a JSON object."""
    try:
        value = parse_exactly(line)
    except ValueError:
        # Numbers that orjson refuses are JSON too.
        value, strict = _parsed(line), False
    else:
        strict = not has_long_number(line)
    if type(value) is not dict:
        raise BadLine("not an object", line[:80].decode(errors="replace"))
    if "session" in value and "type" not in value:
        if type(value["session"]) is not list:
            raise BadLine("session must be a list of messages")
        settings = _settings(value)
        if settings is not None:
            # A page gives the integration options that are no settings; the line still has them.
            known = Settings.__dataclass_fields__
            settings = {key: item for key, item in settings.items() if key in known}
        return CorpusEntry(where, value, _text(value.get("id")), settings, session=True)
    plain = strict and not needs_check(line)
    if "type" in value or "message" not in value:
        return CorpusEntry(where, value, _text(value.get("messageId")), plain=plain)
    settings = _settings(value)
    if settings is not None and "requests" in value:
        settings = destination_settings(settings)
    message = value["message"]
    name = value.get("id") or (message.get("messageId") if type(message) is dict else None)
    return CorpusEntry(where, message, _text(name), settings, _moment(value.get("now")), plain)


def _parsed(line: bytes) -> Any:
    """The value of a line, as the translator reads it; names the field with NaN and the like."""
    try:
        return parse_line(line)
    except TranslationError as error:
        reason = error.failure.message.removeprefix("the line is not JSON in UTF-8: ")
        raise BadLine("not JSON", reason) from None


def _settings(value: Json) -> Json | None:
    settings = value.get("settings")
    if settings is None or type(settings) is dict:
        return settings
    raise BadLine("settings must be an object")


def _text(value: object) -> str | None:
    if type(value) is str:
        return value
    return str(value) if isinstance(value, int | float) else None


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadLine("now must be ISO 8601 with a zone, such as 2026-06-15T12:00:00Z")
    return moment
