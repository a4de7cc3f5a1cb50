"""Event dumps of JSON lines: Segment's S3 archives and RudderStack's dumps.

Segment stores each call as a line of a gzip file, under `segment-logs/SOURCE/DAY/` (Segment's
documentation of the Amazon S3 destination, "Data format").

RudderStack has two forms (its documentation of Event Replay, and `archiver/worker.go` of
rudder-server). Its S3 destination stores the event as it is. Its backup stores a job with the event
or a batch of events in `payload` (`EventPayload` in older versions).
"""

from collections.abc import Iterable, Iterator
from typing import Any

from conformance.corpus.reading import read_corpus
from conformance.corpus.sources.rows import ImportedRow, RowError, Rows, imported
from conformance.spec.scenarios.loading import Json
from translator.bulk import parse_line
from translator.core.errors import TranslationError
from translator.core.values.json_values import parse_exactly

PAYLOADS = ("payload", "EventPayload", "event_payload")
"""Members of a RudderStack job that can hold the event."""

_IP_MEMBERS = ("request_ip", "requestIP")
"""Members that can hold the address from which the request came."""


def segment_rows(files: Iterable[str]) -> Rows:
    """The messages of Segment's archives."""
    for where, line in _lines(files):
        yield imported(where, _parsed, line)


def rudderstack_rows(files: Iterable[str]) -> Rows:
    """The events of RudderStack's dumps as Segment messages; a job with a batch gives several."""
    for where, line in _lines(files):
        try:
            events = _events(_parsed(line))
        except RowError as error:
            yield ImportedRow(where, error)
            continue
        for index, event in enumerate(events):
            place = f"{where}[{index}]" if len(events) > 1 else where
            yield imported(place, _segment_form, event)


def _lines(files: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for chunk in read_corpus(files):
        for number, line in chunk.lines():
            yield f"{chunk.name}:{number}", line


def _parsed(line: bytes | str) -> Any:
    try:
        return parse_exactly(line.encode() if isinstance(line, str) else line)
    except ValueError:
        pass
    try:
        # Numbers that orjson refuses are JSON too.
        return parse_line(line.encode() if isinstance(line, str) else line)
    except TranslationError:
        raise RowError("not_json", "the line is not valid JSON") from None


def _events(value: Any) -> list[Any]:
    """The events of a line, without the envelope of the job and of the batch."""
    if type(value) is not dict or "type" in value:
        return [value]
    for name in PAYLOADS:
        if name in value:
            payload = value[name]
            value = _parsed(payload) if type(payload) is str else payload
            break
    if type(value) is not dict or type(value.get("batch")) is not list:
        return [value]
    shared = {name: value[name] for name in ("receivedAt", *_IP_MEMBERS) if name in value}
    return [shared | event if type(event) is dict else event for event in value["batch"]]


def _segment_form(event: Any) -> Any:
    """The event without RudderStack's own members; the address of the request becomes the ip."""
    if type(event) is not dict:
        return event
    message: Json = {
        key: value for key, value in event.items() if key not in ("rudderId", *_IP_MEMBERS)
    }
    address = next((event[name] for name in _IP_MEMBERS if event.get(name)), None)
    context = message.get("context", {})
    if address is not None and type(context) is dict and not context.get("ip"):
        message["context"] = {**context, "ip": address}
    return message
