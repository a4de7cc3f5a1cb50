"""`/api/2.0/export`: raw events as JSON lines (docs/facts/mixpanel-http-api.md#raw-export).

Every row, duplicates included, in order of arrival (choice). Dates are UTC, and the last one may be
today by the virtual clock. Without events the body is empty.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from mock_mixpanel.ingest.replies import Reply
from mock_mixpanel.json_values import flag, identifier, to_json
from mock_mixpanel.projects.config import Project
from mock_mixpanel.readback.access import CallError
from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse
from mock_mixpanel.readback.dates import days, whole_days
from mock_mixpanel.readback.expression_values import ExpressionError
from mock_mixpanel.readback.expressions import WhereRow, compile_where
from mock_mixpanel.simulation.rate_limits import Window
from mock_mixpanel.state.events.event import HOT_SHARD, IDENTITY_EVENTS, sent_id
from mock_mixpanel.state.lists.items import Item, Seen

TEXT_TYPE = "text/plain; charset=utf-8"
GZIP_FROM = 1400
"""Bytes from which on a body is compressed, if the client accepts gzip."""
CHUNK = 64 * 1024
MAX_LIMIT = 100_000

HOSTS = {"us": "api.mixpanel.com", "eu": "api-eu.mixpanel.com", "in": "api-in.mixpanel.com"}
"""The value of `$mp_api_endpoint` by region: Mixpanel's host, not the mock's (choice)."""


def export(call: ReadbackCall) -> ReadbackResponse:
    """The events of the requested days. Raises CallError 400 for a bad parameter, 401, 429."""
    project = call.project()
    limits = call.backend.projects.limits(project.token)
    hour, second = Window(limits.hourly_exports, 3600), Window(limits.exports_a_second, 1)
    call.count(project, "exports", hour, second)
    since, until = whole_days(*days(call))
    names = call.texts("event")
    limit = call.integer("limit", MAX_LIMIT, 1, MAX_LIMIT) if call.params.get("limit") else None
    in_ms = flag(call.params.get("time_in_ms"))
    found = [
        seen
        for seen in call.backend.projections.events(project.token, call.envelope.region, raw=True)
        if since <= seen.event.time < until and (names is None or seen.event.name in names)
    ]
    if call.params.get("where", ""):
        items: Iterable[Item] = _selected(call, project, found)[:limit]
    else:
        items = call.backend.projections.event_items(found[:limit])
    lines = (_line(item, project.identity, in_ms) for item in items)
    return _answer(lines, call.envelope.header("Accept-Encoding"))


def _properties(item: Item, identity: str) -> dict[str, Any]:
    """The properties of a row: as sent, without `ip`, and what the server adds."""
    value, sent = item.value, item.value["properties"]
    arrival = int(item.at * 1000)
    found = {
        "time": value["time"],
        "distinct_id": value["distinct_id"],
        **{name: each for name, each in sent.items() if name not in ("ip", "time", "distinct_id")},
        "$insert_id": value["insert_id"],
        "$mp_api_endpoint": HOSTS[value["region"]],
        "$mp_api_timestamp_ms": arrival,
        "mp_processing_time_ms": arrival,
    }
    before = identifier(sent.get("distinct_id")) or sent_id(sent, identity)
    itself = identity == "legacy" or value["event"] in (*IDENTITY_EVENTS, HOT_SHARD)
    if before and before != value["distinct_id"] and not itself:
        found["$distinct_id_before_identity"] = before
    if item.before is not None:
        found |= {"$is_reshuffled": True, "$preshuffle_distinct_id": item.before}
    return found


def _line(item: Item, identity: str, in_ms: bool) -> bytes:
    """A row as JSON, with its time as a whole number of seconds, or of milliseconds."""
    properties, time = _properties(item, identity), item.value["time"]
    properties["time"] = round(time * 1000) if in_ms else int(time // 1)
    row = {"event": item.value["event"], "properties": properties}
    try:
        return orjson.dumps(row)
    except TypeError:  # a huge integer, for one: the slow way can write it
        return to_json(row)


def _selected(call: ReadbackCall, project: Project, found: list[Seen]) -> list[Item]:
    """The items that `where` selects; the time is known as `time` and as `$time`."""
    where = call.params["where"]
    people = {
        item.value["distinct_id"]: item.value["properties"]
        for item in call.backend.projections.items("profiles", project.token)
        if item.value["region"] == call.envelope.region
    }
    try:
        selects = compile_where(where)
        items = call.backend.projections.event_items(found)
        return [item for item in items if selects(where_row(item, project.identity, people))]
    except ExpressionError as error:
        raise CallError(400, f"where: {error}") from error


def where_row(item: Item, identity: str, people: Mapping[str, Any]) -> WhereRow:
    """The row of an event for an expression; `people` are profiles by distinct id."""
    properties, who = _properties(item, identity), item.value["distinct_id"]
    properties |= {"$time": item.value["time"], "$distinct_id": who}
    return WhereRow(properties, people.get(who, {}))


def _answer(lines: Iterable[bytes], accepted: str) -> ReadbackResponse:
    """The lines in one piece if there are few, else as a stream; compressed on request."""
    chunks = _chunks(lines)
    first = next(chunks, b"")
    if len(first) <= GZIP_FROM:
        return ReadbackResponse(Reply(200, first, TEXT_TYPE))
    stream = _joined(first, chunks)
    if not _takes_gzip(accepted):
        return ReadbackResponse(Reply(200, b"", TEXT_TYPE), chunks=stream)
    reply = Reply(200, b"", TEXT_TYPE, {"Content-Encoding": "gzip"})
    return ReadbackResponse(reply, chunks=_gzipped(stream))


def _chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    chunk = bytearray()
    for line in lines:
        chunk += line
        chunk += b"\n"
        if len(chunk) >= CHUNK:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    for chunk in chunks:
        packed = packer.compress(chunk)
        if packed:
            yield packed
    yield packer.flush()


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header names gzip, and not with a weight of 0."""
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
