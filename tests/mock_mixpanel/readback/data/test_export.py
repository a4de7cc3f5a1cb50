"""The raw export gives every event back, as Mixpanel writes it."""

import gzip
import json
from typing import Any

import pytest
import requests

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.readback.reading import DAY, export, get, names, rows
from tests.mock_mixpanel.wire import NOW, NOW_SECONDS, event, http, send


@pytest.fixture(autouse=True)
def _frozen(mock_mixpanel: MockMixpanel) -> None:
    mock_mixpanel.freeze(NOW)


def test_row(mock_mixpanel: MockMixpanel) -> None:
    """A row has what was sent, less token and ip, and what the server adds."""
    sent = event(
        mock_mixpanel,
        "Paid",
        time=NOW_SECONDS - 60,
        amount=12.5,
        tags=["a", {"b": None}],
        ip="1.2.3.4",
        **{"$insert_id": "i-1"},
    )
    send(mock_mixpanel, "/track", sent)
    answer = export(mock_mixpanel)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.endswith(b"}\n")
    assert rows(answer) == [
        {
            "event": "Paid",
            "properties": {
                "time": NOW_SECONDS - 60,
                "distinct_id": "u-1",
                "amount": 12.5,
                "tags": ["a", {"b": None}],
                "$insert_id": "i-1",
                "$mp_api_endpoint": "api.mixpanel.com",
                "$mp_api_timestamp_ms": NOW_SECONDS * 1000,
                "mp_processing_time_ms": NOW_SECONDS * 1000,
            },
        }
    ]


def test_import_is_marked(mock_mixpanel: MockMixpanel) -> None:
    """What came through /import says so."""
    send(mock_mixpanel, "/import", event(mock_mixpanel), auth=(mock_mixpanel.token, ""))
    send(mock_mixpanel, "/track", event(mock_mixpanel))
    assert [row["properties"].get("$import") for row in rows(export(mock_mixpanel))] == [True, None]


def test_insert_id_is_made(mock_mixpanel: MockMixpanel) -> None:
    """An event sent without an insert id has one of its own."""
    send(mock_mixpanel, "/track", [event(mock_mixpanel), event(mock_mixpanel)])
    one, other = (row["properties"]["$insert_id"] for row in rows(export(mock_mixpanel)))
    assert one
    assert other
    assert one != other


def test_duplicates(mock_mixpanel: MockMixpanel) -> None:
    """The raw export has duplicates, which queries do not."""
    same = event(mock_mixpanel, time=NOW_SECONDS, **{"$insert_id": "i-1"})
    send(mock_mixpanel, "/track", [same, same])
    assert len(mock_mixpanel.events()) == 1
    assert names(export(mock_mixpanel)) == ["Signed Up", "Signed Up"]


@pytest.mark.parametrize(
    ("in_ms", "expected"),
    [(None, NOW_SECONDS - 1), ("false", NOW_SECONDS - 1), ("true", NOW_SECONDS * 1000 - 250)],
)
def test_time(mock_mixpanel: MockMixpanel, in_ms: str | None, expected: int) -> None:
    """Time is in whole seconds, or in milliseconds if asked for."""
    send(mock_mixpanel, "/track", event(mock_mixpanel, time=NOW_SECONDS * 1000 - 250))
    (row,) = rows(export(mock_mixpanel, time_in_ms=in_ms))
    assert row["properties"]["time"] == expected
    assert isinstance(row["properties"]["time"], int)


def test_days(mock_mixpanel: MockMixpanel) -> None:
    """Both dates are whole UTC days, and the last one counts."""
    midnight = NOW_SECONDS - 12 * 3600
    moments = {"before": -1, "first": 0, "last": 24 * 3600 - 1, "after": 24 * 3600}
    mock_mixpanel.advance(24 * 3600)
    for name, offset in moments.items():
        send(mock_mixpanel, "/track", event(mock_mixpanel, name, time=midnight + offset))
    assert names(export(mock_mixpanel)) == ["first", "last"]
    two = {"from_date": "2026-06-14", "to_date": DAY}
    assert names(export(mock_mixpanel, **two)) == ["before", "first", "last"]


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"to_date": "2026-06-16"}, "to_date cannot be later than today (2026-06-15)"),
        ({"from_date": "2026-06-16"}, "from_date cannot be later than to_date"),
        ({"from_date": ""}, "from_date is missing; it must be in the format yyyy-mm-dd"),
        ({"to_date": "15/06/2026"}, "to_date must be in the format yyyy-mm-dd"),
        ({"to_date": "2026-02-30"}, "to_date must be in the format yyyy-mm-dd"),
        ({"limit": "100001"}, "limit must be a whole number from 1 to 100000"),
        ({"limit": "few"}, "limit must be a whole number from 1 to 100000"),
        ({"event": "[5]"}, "event must be a JSON array of strings"),
        ({"where": "x = 1"}, "where: cannot be read at line 1, column 1: x = 1"),
    ],
)
def test_bad_parameter(mock_mixpanel: MockMixpanel, params: dict[str, str], error: str) -> None:
    """A bad parameter is a 400 in the envelope of the query routes, which repeats the request."""
    answer = export(mock_mixpanel, **params)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.request.path_url == answer.json()["request"]


def test_empty(mock_mixpanel: MockMixpanel) -> None:
    """Without events the body is empty, without even a newline."""
    answer = export(mock_mixpanel)
    assert (
        answer.status_code,
        answer.content,
        answer.headers["Content-Length"],
    ) == (200, b"", "0")


def test_filters(mock_mixpanel: MockMixpanel) -> None:
    """`event` takes names, `where` an expression, `limit` the first of what is left."""
    sent = [event(mock_mixpanel, name, n=n) for n, name in enumerate("ABCAB")]
    send(mock_mixpanel, "/track", sent)
    assert names(export(mock_mixpanel, event='["A", "B"]')) == ["A", "B", "A", "B"]
    assert names(export(mock_mixpanel, event="C")) == ["C"]
    assert names(export(mock_mixpanel, where='properties["n"] in [2, 3]')) == ["C", "A"]
    assert names(export(mock_mixpanel, limit=2)) == ["A", "B"]
    assert names(export(mock_mixpanel, event='["B"]', where='properties["n"] > 1')) == ["B"]


def test_where_time(mock_mixpanel: MockMixpanel) -> None:
    """Readers that go on where they stopped ask for `$time`."""
    for offset in (-2, -1, 0):
        send(mock_mixpanel, "/track", event(mock_mixpanel, str(offset), time=NOW_SECONDS + offset))
    where = f'properties["$time"]>=datetime({NOW_SECONDS - 1})'
    assert names(export(mock_mixpanel, where=where)) == ["-1", "0"]


def test_where_user(mock_mixpanel: MockMixpanel) -> None:
    """`user[...]` is the profile of the person of the event."""
    send(mock_mixpanel, "/track", [event(mock_mixpanel, who, distinct_id=who) for who in "ab"])
    update = {"$token": mock_mixpanel.token, "$distinct_id": "b", "$set": {"plan": "pro"}}
    send(mock_mixpanel, "/engage", update)
    assert names(export(mock_mixpanel, where='user["plan"] == "pro"')) == ["b"]


def test_huge_number(mock_mixpanel: MockMixpanel) -> None:
    """A number beyond 64 bits, read because another record needs the slow parser, is written."""
    sent = [event(mock_mixpanel, huge=10**40), event(mock_mixpanel, half="\ud83d")]
    send(mock_mixpanel, "/track", sent)
    (row,) = rows(export(mock_mixpanel))
    assert row["properties"]["huge"] == 10**40


def big(mock: MockMixpanel, count: int) -> list[dict[str, Any]]:
    """Sends so many events, each of more than 200 bytes."""
    sent = [event(mock, f"E{n}", text="x" * 200) for n in range(count)]
    send(mock, "/track", sent)
    return sent


def raw(mock: MockMixpanel, accepted: str) -> tuple[requests.Response, bytes]:
    """The answer to an export with the bytes as they came."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(
            f"{mock.url}/api/2.0/export?from_date={DAY}&to_date={DAY}",
            headers={"Accept-Encoding": accepted},
            auth=(mock.token, ""),
            stream=True,
            timeout=30,
        )
        return answer, answer.raw.read(decode_content=False)


@pytest.mark.parametrize("count", [5, 2000])
def test_gzip(mock_mixpanel: MockMixpanel, count: int) -> None:
    """A body of more than 1400 bytes is really gzip if the client takes it."""
    big(mock_mixpanel, count)
    answer, body = raw(mock_mixpanel, "gzip, deflate, br")
    assert answer.headers["Content-Encoding"] == "gzip"
    lines = gzip.decompress(body).splitlines()
    assert [f"E{n}" for n in range(count)] == [json.loads(line)["event"] for line in lines]


@pytest.mark.parametrize("accepted", ["identity", "br", "gzip;q=0", "deflate, gzip; q=0.0"])
def test_plain(mock_mixpanel: MockMixpanel, accepted: str) -> None:
    """It is plain if the client does not."""
    big(mock_mixpanel, 2000)
    answer, body = raw(mock_mixpanel, accepted)
    assert "Content-Encoding" not in answer.headers
    assert len(body.splitlines()) == 2000


def test_small_body_is_plain(mock_mixpanel: MockMixpanel) -> None:
    """A small body is never compressed."""
    send(mock_mixpanel, "/track", event(mock_mixpanel))
    answer, body = raw(mock_mixpanel, "gzip")
    assert "Content-Encoding" not in answer.headers
    assert json.loads(body)["event"] == "Signed Up"


def test_canonical_id(mock_mixpanel: MockMixpanel) -> None:
    """Events of a device come under its user, with the id they were sent for beside."""
    mock_mixpanel.project(identity="simplified")
    device = {"$device_id": "d", "distinct_id": "$device:d"}
    send(mock_mixpanel, "/track", event(mock_mixpanel, "A", **device))
    send(mock_mixpanel, "/track", event(mock_mixpanel, "B", **device, **{"$user_id": "u"}))
    assert [
        (row["properties"]["distinct_id"], row["properties"]["$distinct_id_before_identity"])
        for row in rows(export(mock_mixpanel))
    ] == [("u", "$device:d"), ("u", "$device:d")]


@pytest.mark.parametrize(
    ("identity", "first", "link"),
    [
        (
            "simplified",
            {"$device_id": "d", "distinct_id": None},
            {"$device_id": "d", "$user_id": "u"},
        ),
        ("original", {"distinct_id": "a"}, {"$distinct_ids": ["a", "b"], "distinct_id": None}),
    ],
)
def test_moved_events(
    mock_mixpanel: MockMixpanel, identity: str, first: dict[str, Any], link: dict[str, Any]
) -> None:
    """An event that moved to another id when it was linked says from which."""
    mock_mixpanel.project(identity=identity)
    send(mock_mixpanel, "/track", event(mock_mixpanel, "Before", **first))
    was = rows(export(mock_mixpanel))[0]["properties"]["distinct_id"]
    name = "$merge" if identity == "original" else "Linked"
    send(mock_mixpanel, "/import", event(mock_mixpanel, name, **link))
    send(mock_mixpanel, "/track", event(mock_mixpanel, "After", **first))
    before, _, after = (row["properties"] for row in rows(export(mock_mixpanel)))
    assert before["distinct_id"] == after["distinct_id"] != was
    moved = {
        "$is_reshuffled": True,
        "$preshuffle_distinct_id": was,
        "$distinct_id_before_identity": was,
    }
    assert moved == {name: before.get(name) for name in moved}
    later = {name: after[name] for name in moved if name in after}
    assert later == {"$distinct_id_before_identity": was}


def test_regions_are_apart(mock_mixpanel: MockMixpanel) -> None:
    """Each region exports its own events."""
    http("POST", f"{mock_mixpanel.eu_url}/track", json=event(mock_mixpanel, "EU"))
    send(mock_mixpanel, "/track", event(mock_mixpanel, "US"))
    query = f"/api/2.0/export?from_date={DAY}&to_date={DAY}"
    there = http("GET", mock_mixpanel.eu_url + query, auth=(mock_mixpanel.token, ""))
    assert names(export(mock_mixpanel)) == ["US"]
    assert [(row["event"], row["properties"]["$mp_api_endpoint"]) for row in rows(there)] == [
        ("EU", "api-eu.mixpanel.com")
    ]


def test_slash(mock_mixpanel: MockMixpanel) -> None:
    """A slash at the end makes no redirect."""
    assert get(mock_mixpanel, "/api/2.0/export/", from_date=DAY, to_date=DAY).status_code == 200
