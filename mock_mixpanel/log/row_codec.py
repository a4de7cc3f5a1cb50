"""A request with its records as one row of bytes, the unit of a store.

Ingestion packs each request, so packing is kept cheap: the records stay the JSON text in which they
arrived, and equal verdicts are written once. Readers unpack.
"""

import json
from collections.abc import Callable, Container, Iterable, Sequence
from functools import partial
from itertools import repeat
from typing import Any, NamedTuple, Self

import orjson

from mock_mixpanel.log.records import Arrival, Exchange, Journaled, LogEntry, RecordVerdict

SLOW = b" "
"""Prefix of text that only the slow parser reads correctly: it has lone surrogates, or integers
beyond 64 bits."""


class Packed(NamedTuple):
    """A row that has no place in the log yet.

    `token` is the project of all its records; None if it has none, or records of several projects.
    `size` is how many there are.
    """

    token: str | None
    size: int
    head: bytes
    body: bytes


class Row(NamedTuple):
    """A row of the log; `first` is the id of the first of its entries."""

    id: int
    first: int
    token: str | None
    head: bytes
    body: bytes


def dump(value: Any) -> bytes:
    """Any JSON value as text that `load` reads back exactly."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return SLOW + json.dumps(value, separators=(",", ":")).encode()


def load(text: bytes) -> Any:
    """The value of a text that `dump` wrote, or that the fast parser has read before."""
    return json.loads(text) if text[:1] == SLOW else orjson.loads(text)


def pack(arrival: Arrival) -> Packed:
    """An arrival as a row."""
    exchange, verdicts, records = arrival
    distinct, which = _table(verdicts)
    tokens = {verdict.token for verdict in distinct}
    head = dump([tuple(exchange), [tuple(each) for each in distinct], which, None])
    return Packed(tokens.pop() if len(tokens) == 1 else None, len(verdicts), head, records)


class HeadTemplate(NamedTuple):
    """The heads of requests whose records all have one verdict.

    They differ in their time and their number of records; `parts` is the text around these. `delay`
    is how many seconds after its arrival a record has effect.
    """

    parts: tuple[bytes, bytes, bytes]
    delay: float

    @classmethod
    def of(cls, exchange: Exchange, verdict: RecordVerdict, delay: float) -> Self | None:
        """The template for a request and others like it; None if only the slow parser reads it."""
        texts = [dump(each) for each in (exchange[1:], verdict[:3], verdict[5:])]
        if any(text.startswith(SLOW) for text in texts):
            return None
        first, second, third = (text[1:-1] for text in texts)
        return cls((first, second, third), delay)

    def at(self, now: float, count: int) -> bytes:
        """The head of a request at virtual time `now` (seconds) with `count` records."""
        exchange, arrived, effective = self.parts
        time = orjson.dumps(now)
        later = orjson.dumps(now + self.delay) if self.delay else time
        head = (time, exchange, arrived, time, later, effective, count)
        return b"[[%b,%b],[[%b,%b,%b,%b]],%d,null]" % head


def exchange_of(row: Row) -> Exchange:
    """The request of a row and its answer."""
    return Exchange(*load(row.head)[0])


def entries_of(row: Row, *, only: Container[int] | None = None) -> list[LogEntry]:
    """The records of a row, or only those of these entry ids."""
    return _entries(row, load(row.head), only)


def journaled(row: Row, *, only: Container[int] | None = None) -> Journaled:
    """The request of a row with its records, or only with those of these entry ids."""
    head = load(row.head)
    return Journaled(row.id, Exchange(*head[0]), tuple(_entries(row, head, only)))


def without_records(row: Row) -> Journaled:
    """The request of a row with the verdicts on its records, but None for each record.

    It leaves the text of the records alone, which is most of a row and may be missing.
    """
    head = load(row.head)
    size = head[2] if isinstance(head[2], int) else len(head[2] or head[3] or ())
    return Journaled(row.id, Exchange(*head[0]), tuple(_entries(row, head, None, [None] * size)))


def has_token(row: Row, token: str) -> bool:
    """Whether a request has records of a project."""
    return token in tokens_of(row)


def tokens_of(row: Row) -> set[str]:
    """The tokens of the projects that the records of a request are for."""
    if row.token is not None:
        return {row.token}
    return {RecordVerdict(*each).token for each in load(row.head)[1]}


def without(row: Row, token: str) -> Row | None:
    """The row as if it had had no records of a project; None if it had no others."""
    kept = [entry for entry in entries_of(row) if entry.verdict.token != token]
    if not kept:
        return None
    distinct, which = _table([entry.verdict for entry in kept])
    tokens = {verdict.token for verdict in distinct}
    verdicts, places = [tuple(each) for each in distinct], [entry.index for entry in kept]
    head = dump([tuple(exchange_of(row)), verdicts, which, places])
    only = tokens.pop() if len(tokens) == 1 else None
    return Row(row.id, row.first, only, head, dump([entry.record for entry in kept]))


def _table(verdicts: Sequence[RecordVerdict]) -> tuple[list[RecordVerdict], list[int] | int]:
    """The verdicts that differ, and for each record the place of its verdict.

    If all records have the same verdict, the number of records replaces the places.
    """
    if not verdicts or verdicts.count(verdicts[0]) == len(verdicts):
        return list(verdicts[:1]), len(verdicts)
    distinct = dict.fromkeys(verdicts)
    number = {verdict: place for place, verdict in enumerate(distinct)}
    return list(distinct), [number[verdict] for verdict in verdicts]


def _entries(
    row: Row, head: Any, only: Container[int] | None = None, records: Sequence[Any] | None = None
) -> list[LogEntry]:
    _, packed, which, places = head
    if not packed:
        return []
    verdicts = [RecordVerdict(*each)._replace(reasons=tuple(each[6])) for each in packed]
    if records is None:
        records = load(row.body)
    if not isinstance(which, list):
        which = [0] * len(records)
    if places is None:
        places = range(len(records))
    ids = [row.first + place for place in places]
    of_row = repeat(row.id, len(ids))
    made = zip(records, map(verdicts.__getitem__, which), ids, of_row, places, strict=True)
    return [_entry(each) for each in made if only is None or each[2] in only]


_entry: Callable[[Iterable[Any]], LogEntry] = partial(tuple.__new__, LogEntry)
"""As `LogEntry._make`, in a third of the time: it is called for each record that is read."""
