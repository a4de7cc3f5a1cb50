"""Recordings of requests: a HAR file, and the journal of the mock (`GET /_mock/requests`).

Both are one JSON document, which ijson reads item by item, so that memory stays bounded.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from math import isfinite
from typing import Any
from urllib.parse import urlencode

from conformance.corpus.reading import opened
from conformance.corpus.sources.http_requests import (
    RecordedRequest,
    analytics_rows,
    record_rows,
    recorded_body,
)
from conformance.corpus.sources.mixpanel_records import kind_of_path
from conformance.corpus.sources.rows import (
    MAX_NESTING,
    ImportedRow,
    RowError,
    Rows,
    nested_too_deeply,
)
from conformance.errors import DataError
from conformance.spec.scenarios.loading import Json
from translator.compression import decompressed
from translator.core.values.timestamps import parse

OTHER_REQUESTS = "requests that are not calls of Segment's API or records for Mixpanel"


def har_rows(files: Iterable[str], ignored: Counter[str]) -> Rows:
    """The messages of HAR files. Other requests are counted in `ignored`.

    Raises DataError for a file that is not valid JSON to its end, or has nothing in `log.entries`.
    """
    for file_number, name in enumerate(files, 1):
        for number, entry in enumerate(_items(name, "log.entries.item"), 1):
            where = f"{name}:entry {number}"
            try:
                rows = analytics_rows(
                    _har_request(where, f"har-{file_number}-{number}", _plain(entry))
                )
            except RowError as error:
                yield ImportedRow(where, error)
                continue
            if rows is None:
                ignored[OTHER_REQUESTS] += 1
            else:
                yield from rows


def journal_rows(files: Iterable[str], ignored: Counter[str]) -> Rows:
    """The messages of the records in the mock's journal, where they can be determined.

    A record that the mock refused is left out. Requests without records are counted in `ignored`.
    Raises DataError for a file that is not a JSON array to its end, or is empty.
    """
    for file_number, name in enumerate(files, 1):
        for number, item in enumerate(_items(name, "item"), 1):
            shown = item.get("id") if type(item) is dict else None
            where = f"{name}:request {shown if type(shown) is int else number}"
            request_id = f"journal-{file_number}-{number}"
            try:
                kind, request, records = _journaled(where, request_id, _plain(item))
            except RowError as error:
                yield ImportedRow(where, error)
                continue
            if kind is None or not records:
                ignored[OTHER_REQUESTS] += 1
                continue
            rows = record_rows(request, kind, records)
            for row, verdict in zip(rows, _verdicts(item, len(records)), strict=True):
                yield row if verdict else ImportedRow(row.where, _refused())


def _refused() -> RowError:
    return RowError("not_accepted", "the mock refused the record; the journal says why")


def _verdicts(item: Json, count: int) -> list[bool]:
    """Whether each record was accepted."""
    found = item.get("verdicts")
    accepted = [True] * count
    for verdict in found if type(found) is list else ():
        index = verdict.get("index") if type(verdict) is dict else None
        if type(index) is int and 0 <= index < count:
            accepted[index] = verdict.get("accepted") is not False
    return accepted


def _journaled(
    where: str, request_id: str, item: Any
) -> tuple[str | None, RecordedRequest, list[Any]]:
    """The kind of records of the path (None if it accepts no records), the request, and its
    records."""
    payload = item.get("payload") if type(item) is dict else None
    path = item.get("path") if type(item) is dict else None
    if type(payload) is not list or type(path) is not str:
        raise RowError("not_a_request", "a request of the journal must have path and payload")
    received_ms = parse(item.get("received_at"))
    if received_ms is None:
        raise RowError("not_a_request", "received_at must be a time")
    request = RecordedRequest(where, request_id, "POST", path, {}, b"", None, received_ms)
    return kind_of_path(path), request, payload


def _har_request(where: str, request_id: str, entry: Any) -> RecordedRequest:
    request = entry.get("request") if type(entry) is dict else None
    if type(request) is not dict or type(request.get("url")) is not str:
        raise RowError("not_a_request", "an entry must have a request with a url")
    received_ms = parse(entry.get("startedDateTime"))
    if received_ms is None:
        raise RowError("not_a_request", "startedDateTime must be a time")
    post = request.get("postData")
    response = entry.get("response")
    status = response.get("status") if type(response) is dict else None
    headers = {name.lower(): value for name, value in _pairs(request.get("headers"))}
    if type(post) is dict and type(post.get("mimeType")) is str:
        headers.setdefault("content-type", post["mimeType"])
    return RecordedRequest(
        where,
        request_id,
        str(request.get("method")).upper(),
        request["url"],
        headers,
        _har_body(post) if type(post) is dict else b"",
        status if type(status) is int else None,
        received_ms,
    )


def _har_body(post: Json) -> bytes:
    text = post.get("text")
    if type(text) is str and text:
        return recorded_body(text, str(post.get("encoding", "")))
    return urlencode(list(_pairs(post.get("params")))).encode()


def _pairs(listed: Any) -> Iterator[tuple[str, str]]:
    """The names and values of a list of headers or parameters."""
    for each in listed if type(listed) is list else ():
        if type(each) is dict and type(each.get("name")) is str:
            value = each.get("value")
            yield each["name"], value if type(value) is str else ""


def _items(name: str, prefix: str) -> Iterator[Any]:
    """The items of an array in a JSON file, with numbers that have a point as decimals.

    `prefix` is the place of the items, in the notation of ijson.
    """
    import ijson  # only here: the other sources do without

    found = False
    try:
        with opened(name) as raw:
            for item in ijson.items(decompressed(raw), prefix):
                found = True
                yield item
    except ijson.JSONError as error:
        # The lines after the first one show a part of the file.
        text = error.args[0] if error.args else ""
        text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        problem = text.partition("\n")[0]
        raise DataError(f"{name}: not valid JSON to its end: {problem}") from None
    except OSError as error:
        raise DataError(f"{name}: cannot be read to its end: {error}") from error
    if not found:
        raise DataError(f"{name}: there are no requests in it; is it the right file and --from?")


def _plain(value: Any, level: int = 0) -> Any:
    """The value with decimals as floats.

    Raises RowError for a number that is too large, and for too many levels of nesting.
    """
    if type(value) is Decimal:
        number = float(value)
        if not isfinite(number):
            raise RowError("not_json", "a number is too large for a float")
        return number
    if type(value) is not dict and type(value) is not list:
        return value
    if level > MAX_NESTING:
        raise nested_too_deeply()
    if type(value) is dict:
        return {key: _plain(item, level + 1) for key, item in value.items()}
    return [_plain(item, level + 1) for item in value]
