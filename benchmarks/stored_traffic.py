"""Fills a store with the traffic of a project without sending it: rows as ingestion packs them.

Of each 100 requests 95 have 50 events, one of them too old; the others have 50 profile updates, or
aliases or updates of groups. There are 20 events for each person. One person in 25 has an
alias, and one in a hundred has events under an alias, which splits the profile.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import orjson
import psycopg

from mock_mixpanel.log.records import Arrival, Exchange, RecordVerdict
from mock_mixpanel.log.row_codec import Packed, pack
from mock_mixpanel.log.stores import open_store
from mock_mixpanel.log.stores.sql.schema import LOG, checksum

TOKEN = "T"
BATCH = 50
"""Records of a request."""
EVENTS_A_PERSON = 20
CYCLE = 100
"""Requests after which the mix of kinds begins again."""
COLUMN_TYPES = ("int8", "int8", "int4", "text", "bytea", "bytea", "int8")
OLD = ("time: older than 5 days",)


def requests(events: int) -> Iterator[Packed]:
    """Requests with a number of events in total, in order of arrival."""
    now, people, number, sent = time.time(), max(1, events // EVENTS_A_PERSON), 0, 0
    started, rows = now - events / 1000, events / BATCH / 0.95
    while sent < events:
        at = started + (now - started) * min(1, number / rows)
        kind, number = number % CYCLE, number + 1
        if kind in (19, 39, 59):
            first = number * BATCH % people
            yield _request("/engage", at, [_update(first + n) for n in range(BATCH)])
        elif kind == 79:
            first = number * BATCH % people // 10 * 10
            yield _request("/track", at, [_alias(first + 10 * n) for n in range(10)])
        elif kind == 99:
            yield _request("/groups", at, [_group(number * BATCH + n) for n in range(BATCH)])
        else:
            records = [_event(sent + n, (sent + n) % people, at) for n in range(BATCH)]
            yield _request("/track", at, records, old=True)
            sent += BATCH


def _event(number: int, person: int, at: float) -> dict[str, Any]:
    split = person % 100 == 0 and number % 7 == 0
    who = f"alias-{person}" if split else f"user-{person}"
    insert_id = f"{number:032x}"
    old = number % BATCH == 0
    properties: dict[str, Any] = {
        "token": TOKEN,
        "distinct_id": who,
        "$insert_id": insert_id,
        "plan": "pro",
    }
    properties |= {"time": 1 if old else int(at), "company": f"company-{person % 1000}"}
    return {"event": "Paid" if number % 3 else "Page Viewed", "properties": properties}


def _update(person: int) -> dict[str, Any]:
    name = {"$name": f"Person {person}", "$email": f"{person}@example.com", "plan": "pro"}
    return {"$token": TOKEN, "$distinct_id": f"user-{person}", "$set": name}


def _alias(person: int) -> dict[str, Any]:
    ids = {"distinct_id": f"user-{person}", "alias": f"alias-{person}"}
    return {"event": "$create_alias", "properties": {"token": TOKEN, **ids}}


def _group(number: int) -> dict[str, Any]:
    group = f"company-{number % 1000}"
    key = {"$token": TOKEN, "$group_key": "company", "$group_id": group}
    return key | {"$set": {"seats": number}}


def _request(path: str, at: float, records: list[Any], *, old: bool = False) -> Packed:
    good = RecordVerdict(path, TOKEN, "us", at, at, True)
    if records[0].get("event") == "$create_alias":
        good = good._replace(effective_at=at + 1)
    verdicts = [good] * len(records)
    if old:
        verdicts[0] = good._replace(accepted=False, reasons=OLD)
    headers = {"Content-Type": "application/json", "User-Agent": "benchmark"}
    exchange = Exchange(at, "us", "POST", path, {}, headers, 200, "1")
    return pack(Arrival(exchange, verdicts, orjson.dumps(records)))


def fill(url: str, events: int) -> int:
    """Fill an empty store, PostgreSQL in bulk; returns how many requests there are then."""
    with closing(open_store(url)) as store:
        if not url.startswith("postgresql:"):
            for packed in requests(events):
                store.append(packed)
            return store.last()
        names = ", ".join(column.name for column in LOG.c)
        command = f"COPY log ({names}) FROM STDIN (FORMAT BINARY)"
        first = 1
        with psycopg.connect(url) as database, database.cursor().copy(command) as copy:
            copy.set_types(COLUMN_TYPES)
            for number, (token, size, head, body) in enumerate(requests(events), 1):
                copy.write_row((number, first, size, token, head, body, checksum(head, body)))
                first += max(1, size)
        return store.last()
