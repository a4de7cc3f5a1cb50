"""Lookup tables are listed, and replaced as a whole or not at all."""

import gzip
from typing import Any

import pytest
import requests

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.readback.reading import get
from tests.mock_mixpanel.wire import http

TABLE = "1d5b1a5c-0000-4000-8000-000000000001"
CSV = 'id,name\r\na,"Acme, Inc."\r\nb,"Say ""hi"""\r\n'


@pytest.fixture(autouse=True)
def _with_table(mock_mixpanel: MockMixpanel) -> None:
    mock_mixpanel.project(lookup_tables=[{"id": TABLE, "name": "Accounts"}])


def put(mock: MockMixpanel, body: str | bytes, table: str = TABLE, **headers: str) -> Any:
    """The answer to a replacement."""
    data = body.encode() if isinstance(body, str) else body
    url = f"{mock.url}/lookup-tables/{table}"
    headers = {"Content-Type": "text/csv"} | headers
    answer: requests.Response = http("PUT", url, data=data, headers=headers, auth=(mock.token, ""))
    return answer


def uploads(mock: MockMixpanel) -> list[Any]:
    """What was stored."""
    return [record for request in mock.requests() for record in request["payload"]]


def test_list(mock_mixpanel: MockMixpanel) -> None:
    """The tables are those of the project's options."""
    assert get(mock_mixpanel, "/lookup-tables", project_id="1").json() == {
        "code": 200,
        "status": "OK",
        "results": [{"id": TABLE, "name": "Accounts"}],
    }


def test_replace(mock_mixpanel: MockMixpanel) -> None:
    """A table in CSV is accepted, and its content is in the journal."""
    answer = put(mock_mixpanel, CSV)
    assert (answer.status_code, answer.json()) == (200, {"code": 200, "status": "OK"})
    rows = [["a", "Acme, Inc."], ["b", 'Say "hi"']]
    assert uploads(mock_mixpanel) == [{"id": TABLE, "columns": ["id", "name"], "rows": rows}]


def test_gzip(mock_mixpanel: MockMixpanel) -> None:
    """It may be compressed."""
    packed = gzip.compress(CSV.encode())
    answer = put(mock_mixpanel, packed, **{"Content-Encoding": "gzip"})
    assert answer.status_code == 200
    assert [row[0] for row in uploads(mock_mixpanel)[0]["rows"]] == ["a", "b"]


def test_bad_rows(mock_mixpanel: MockMixpanel) -> None:
    """Bad rows are named one by one, and nothing is stored."""
    answer = put(mock_mixpanel, "id,name\na,A\na,B\n,C\nd\ne,E\n")
    assert answer.status_code == 400
    assert answer.json() == {
        "code": 400,
        "error": "some rows in the request failed validation",
        "failed_records": [
            {"index": 2, "message": "invalid row: row indexes 1 and 2 have the same primary key"},
            {"index": 3, "message": "primary key is required and cannot be blank"},
            {"index": 4, "message": "invalid row: wrong number of fields"},
        ],
        "status": "Bad Request",
    }
    assert uploads(mock_mixpanel) == []


def test_many_bad_rows(mock_mixpanel: MockMixpanel) -> None:
    """At most ten are named."""
    answer = put(mock_mixpanel, "id,name\n" + ",x\n" * 20)
    assert [each["index"] for each in answer.json()["failed_records"]] == [*range(1, 11)]


def test_unknown_table(mock_mixpanel: MockMixpanel) -> None:
    """A table that is not in the project's options is not found."""
    answer = put(mock_mixpanel, CSV, "other")
    assert answer.json() == {
        "code": 404,
        "error": "Lookup table with id 'other' was not found.",
        "status": "Not Found",
    }
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "body is empty; its first row must be a header"),
        ('id,name\n"a,b', "body is not CSV: unexpected end of data"),
        (b"id\n\xff\n", "body is not CSV: 'utf-8' codec can't decode byte 0xff in position 3: "),
    ],
)
def test_unreadable(mock_mixpanel: MockMixpanel, body: str | bytes, error: str) -> None:
    """A body that is not CSV is refused, with the place of the error."""
    answer = put(mock_mixpanel, body)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert answer.json()["error"].startswith(error)


def test_access(mock_mixpanel: MockMixpanel) -> None:
    """A project with a secret wants it, and the refusal has the envelope of imports."""
    mock_mixpanel.project(secret="s")
    answer = http("PUT", f"{mock_mixpanel.url}/lookup-tables/{TABLE}", data=CSV)
    assert (answer.status_code, answer.json()["status"]) == (401, "Unauthorized")
