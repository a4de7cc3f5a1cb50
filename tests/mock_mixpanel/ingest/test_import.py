"""/import: who may, and what a strict one refuses."""

import base64
import json
from typing import Any

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import NOW, NOW_SECONDS, event, http, names, reasons, send

SECRET = "s3cret"
ACCOUNT = {"username": "robot.1", "secret": "p:w"}
UNAUTHORIZED = b'{"code":401,"error":"Invalid credentials","status":"Unauthorized"}'
FAILED = "some data points in the request failed validation"


def basic(text: str, encode: Any = base64.b64encode) -> dict[str, str]:
    return {"Authorization": "Basic " + encode(text.encode()).decode()}


def good(mock: MockMixpanel, insert_id: str = "id-1", **properties: Any) -> dict[str, Any]:
    more = {"time": NOW_SECONDS, "$insert_id": insert_id} | properties
    return event(mock, "Paid", **more)


@pytest.fixture
def guarded(mock_mixpanel: MockMixpanel) -> MockMixpanel:
    """A project with a secret and a service account."""
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.project(secret=SECRET, project_id=42, service_accounts=[ACCOUNT])
    return mock_mixpanel


CREDENTIALS = {
    "secret": ("", f"{SECRET}:", base64.b64encode),
    "secret without a colon": ("", SECRET, base64.b64encode),
    "secret URL-safe without a colon": ("", SECRET, base64.urlsafe_b64encode),
    "service account": ("&project_id=42", "robot.1:p:w", base64.b64encode),
    "service account not encoded": ("&project_id=42", "robot.1:p:w", bytes),
}


@pytest.mark.parametrize("strict", ["0", "1"])
@pytest.mark.parametrize("name", CREDENTIALS)
def test_credential(guarded: MockMixpanel, name: str, strict: str) -> None:
    """Each kind of credential names the project; the record needs no token then."""
    query, text, encode = CREDENTIALS[name]
    record = good(guarded)
    del record["properties"]["token"]
    answer = send(guarded, f"/import?strict={strict}{query}", [record], headers=basic(text, encode))
    assert answer.status_code == 200
    assert names(guarded) == ["Paid"]


def test_token_as_credential(guarded: MockMixpanel) -> None:
    """The project's token is a credential too."""
    answer = send(guarded, "/import", [good(guarded)], headers=basic(f"{guarded.token}:"))
    assert (answer.status_code, answer.content) == (200, b"1")


def test_url_safe_credential_with_both_letters(mock_mixpanel: MockMixpanel) -> None:
    """A secret whose base64 needs - and _ is read."""
    secret = "~~?>~?~?~ÿ"
    header = basic(secret, base64.urlsafe_b64encode)
    assert {"-", "_"} & set(header["Authorization"])
    mock_mixpanel.project(secret=secret)
    assert send(mock_mixpanel, "/import", [event(mock_mixpanel)], headers=header).content == b"1"


WRONG = {
    "none": {},
    "wrong secret": basic("other:"),
    "no ASCII": {"Authorization": "Basic sécret"},
    "no UTF-8": {"Authorization": "Basic /w=="},
    "service account without project_id": basic("robot.1:p:w"),
    "wrong password": basic("robot.1:no"),
    "bearer": {"Authorization": "Bearer abc"},
    "no base64": {"Authorization": "Basic %%%"},
}


@pytest.mark.parametrize("strict", ["", "?strict=1", "?verbose=1"])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_credential(guarded: MockMixpanel, name: str, strict: str) -> None:
    """A wrong credential is a 401, strict or not; nothing is stored, the record is listed."""
    answer = send(guarded, f"/import{strict}", [good(guarded)], headers=WRONG[name])
    assert (answer.status_code, answer.content) == (401, UNAUTHORIZED)
    assert guarded.events() == []
    assert reasons(guarded) == [["auth: no valid credential for this project"]]


def test_wrong_project_id(guarded: MockMixpanel) -> None:
    """A service account imports only into the project whose id it names."""
    answer = send(guarded, "/import?project_id=43", [good(guarded)], headers=basic("robot.1:p:w"))
    assert (answer.status_code, guarded.events()) == (401, [])


NAMED = {
    "project id": ("&project_id=42", basic("robot.1:typo")),
    "project id and another account": ("&project_id=42", basic("robot.2:p:w")),
    "project id and a wrong secret": ("&project_id=42", basic("typo:")),
    "project id alone": ("&project_id=42", {}),
    "project id as user": ("", basic("42:")),
    "project id as user with a password": ("", basic("42:p:w")),
    "service account": ("", basic("robot.1:typo")),
    "service account of another project": ("&project_id=43", basic("robot.1:typo")),
    "service account in a project that is not its own": ("&project_id=43", basic("robot.1:p:w")),
    "project id in other digits": ("&project_id=042", basic("robot.1:p:w")),
    "project id with a space": ("&project_id=%2042", basic("robot.1:p:w")),
}


@pytest.mark.parametrize("token", [None, "open"])
@pytest.mark.parametrize("name", NAMED)
def test_guarded_by_every_name(guarded: MockMixpanel, name: str, token: str | None) -> None:
    """A wrong credential is a 401, by whichever name the request finds the project.

    Sources: https://github.com/mixpanel/mixpanel-ruby/issues/152,
    https://github.com/mixpanel/mixpanel-python/issues/88
    """
    query, headers = NAMED[name]
    record = good(guarded)
    del record["properties"]["token"]
    record["properties"] |= {"token": f"{guarded.token}-{token}"} if token else {}
    answer = send(guarded, f"/import?strict=1{query}", [record], headers=headers)
    assert (answer.status_code, answer.content) == (401, UNAUTHORIZED)
    stored = http("GET", f"{guarded.url}/_mock/events").json()
    tokens = {"42", "43", "robot.1", guarded.token, f"{guarded.token}-{token}"}
    assert [item["token"] for item in stored if item["token"] in tokens] == []


def test_project_id_of_an_open_project(mock_mixpanel: MockMixpanel) -> None:
    """Records without a token go to the project whose id the request names."""
    mock_mixpanel.project(project_id=4242)
    record = {"event": "Paid", "properties": {"distinct_id": "u-1"}}
    headers = basic("robot.9:any")
    answer = send(mock_mixpanel, "/import?project_id=4242", [record], headers=headers)
    assert (answer.content, names(mock_mixpanel)) == (b"1", ["Paid"])


@pytest.mark.parametrize("length", [36, 59, 60])
def test_insert_ids_of_segment(mock_mixpanel: MockMixpanel, length: int) -> None:
    """A strict import takes the long insert ids of Segment's libraries with a project option."""
    mock_mixpanel.freeze(NOW)
    insert_id = ("node-next-1781524800000-" + "0a1b2c3d-" * 9)[:length]
    url, record = "/import?strict=1", good(mock_mixpanel, insert_id)
    assert send(mock_mixpanel, url, [record]).status_code == (200 if length == 36 else 400)
    mock_mixpanel.project(limits={"insert_id_bytes": 60})
    assert send(mock_mixpanel, url, [record]).status_code == 200


@pytest.mark.parametrize("headers", [{}, basic("any:"), basic("any:thing")])
def test_project_without_a_secret(mock_mixpanel: MockMixpanel, headers: dict[str, str]) -> None:
    """A project without a secret takes any credential, and a token in the record alone."""
    assert send(mock_mixpanel, "/import", [event(mock_mixpanel)], headers=headers).content == b"1"
    assert names(mock_mixpanel) == ["Signed Up"]


def test_credential_stands_for_the_project(mock_mixpanel: MockMixpanel) -> None:
    """Without a token in the record, the user name is the project; without any, it is a 401."""
    record = {"event": "Paid", "properties": {"distinct_id": "u-1"}}
    answer = send(mock_mixpanel, "/import", [record], headers=basic(f"{mock_mixpanel.token}:"))
    assert answer.content == b"1"
    assert names(mock_mixpanel) == ["Paid"]
    assert send(mock_mixpanel, "/import", [record]).status_code == 401


def test_token_routes_ignore_credentials(guarded: MockMixpanel) -> None:
    """/track needs no credential, and a wrong one does no harm."""
    answer = send(guarded, "/track", event(guarded), headers=basic("other:"))
    assert answer.content == b"1"


def test_strict_success(guarded: MockMixpanel) -> None:
    """The strict answer counts the records."""
    records = [good(guarded, "id-1"), good(guarded, "id-2")]
    answer = send(guarded, "/import?strict=1", records, headers=basic(SECRET))
    assert (
        answer.status_code,
        answer.content,
    ) == (200, b'{"code":200,"num_records_imported":2,"status":"OK"}')


def test_strict_partial_failure(guarded: MockMixpanel) -> None:
    """Valid events are stored though others fail; each failed one is named by its place."""
    records = [good(guarded, "id-1"), good(guarded, "bad id!"), good(guarded, "id-3")]
    answer = send(guarded, "/import?strict=1", records, headers=basic(SECRET))
    assert answer.status_code == 400
    assert answer.json() == {
        "code": 400,
        "error": FAILED,
        "failed_records": [
            {
                "index": 1,
                "insert_id": "bad id!",
                "field": "$insert_id",
                "message": "'$insert_id' is invalid: "
                "must only contain alphanumeric or hyphen '-' characters",
            }
        ],
        "num_records_imported": 2,
        "status": "Bad Request",
    }
    assert [item["insert_id"] for item in guarded.events()] == ["id-1", "id-3"]


STRICT_FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no time": ({"time": None}, "properties.time", "time, missing or empty"),
    "a text as time": ({"time": "2026-06-15"}, "properties.time", "time: not a number"),
    "before 1971": ({"time": 31535999}, "properties.time", "time: before 1971-01-01"),
    "the future": (
        {"time": NOW_SECONDS + 3601},
        "properties.time",
        "time: more than 1 hour in the future",
    ),
    "no insert id": ({"$insert_id": ""}, "$insert_id", "$insert_id, missing or empty"),
    "a long insert id": (
        {"$insert_id": "a" * 37},
        "$insert_id",
        "$insert_id: longer than 36 bytes",
    ),
    "a forbidden insert id": (
        {"$insert_id": "Undefined"},
        "$insert_id",
        "$insert_id: a forbidden value",
    ),
    "a forbidden distinct id": (
        {"distinct_id": "NULL"},
        "properties.distinct_id",
        "distinct_id: a forbidden value",
    ),
    "zero as distinct id": (
        {"distinct_id": 0},
        "properties.distinct_id",
        "distinct_id: a forbidden value",
    ),
    "a lone surrogate": (
        {"utm_source": "\ud800"},
        "properties.utm_source",
        "properties.utm_source: string should be valid utf8",
    ),
}


@pytest.mark.parametrize("name", STRICT_FAULTS)
def test_strict_fault(mock_mixpanel: MockMixpanel, name: str) -> None:
    """Each rule of a strict import names its field."""
    properties, field, reason = STRICT_FAULTS[name]
    mock_mixpanel.freeze(NOW)
    answer = send(mock_mixpanel, "/import?strict=1", [good(mock_mixpanel, **properties)])
    assert answer.status_code == 400
    assert [failed["field"] for failed in answer.json()["failed_records"]] == [field]
    assert reasons(mock_mixpanel) == [[reason]]
    assert mock_mixpanel.events() == []


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"time": "x"}, "'properties.time' is invalid: must be specified as seconds since epoch"),
        (
            {"utm_source": "\udfff"},
            "properties.utm_source is invalid: string should be valid utf8",
        ),
    ],
)
def test_sourced_messages(
    mock_mixpanel: MockMixpanel, properties: dict[str, Any], message: str
) -> None:
    """The messages that are known are said word for word."""
    mock_mixpanel.freeze(NOW)
    answer = send(mock_mixpanel, "/import?strict=1", [good(mock_mixpanel, **properties)])
    assert [failed["message"] for failed in answer.json()["failed_records"]] == [message]


@pytest.mark.parametrize(
    "properties",
    [
        {"time": NOW_SECONDS + 3600},
        {"time": 31536000},
        {"time": (NOW_SECONDS - 9_000_000) * 1000},
        {"$insert_id": "a" * 36},
        {"distinct_id": ""},
        {"distinct_id": None},
    ],
)
def test_strict_allows(mock_mixpanel: MockMixpanel, properties: dict[str, Any]) -> None:
    """What is at a limit, or only recommended, passes."""
    mock_mixpanel.freeze(NOW)
    answer = send(mock_mixpanel, "/import?strict=1", [good(mock_mixpanel, **properties)])
    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["$identify", "$create_alias", "$merge"])
def test_identity_events_need_no_time(mock_mixpanel: MockMixpanel, name: str) -> None:
    """Identity events have neither time nor insert id in any documented example: they pass."""
    record = event(mock_mixpanel, name, alias="new")
    assert send(mock_mixpanel, "/import?strict=1", [record]).status_code == 200


def test_strict_unreadable(mock_mixpanel: MockMixpanel) -> None:
    """A strict import that cannot be read is a 400 in the import envelope."""
    answer = http(
        "POST",
        f"{mock_mixpanel.url}/import?strict=1",
        headers={"Content-Type": "application/json"},
        data=b"{",
    )
    assert (
        answer.status_code,
        answer.json()["code"],
        answer.json()["status"],
    ) == (400, 400, "Bad Request")


def test_import_mark(mock_mixpanel: MockMixpanel) -> None:
    """An imported event is marked, and may be older than five days."""
    mock_mixpanel.freeze(NOW)
    send(mock_mixpanel, "/import", [event(mock_mixpanel, time=NOW_SECONDS - 10**8)])
    (stored,) = mock_mixpanel.events()
    assert (stored["properties"]["$import"], stored["time"]) == (True, NOW_SECONDS - 10**8)


FORBIDDEN = [
    "00000000-0000-0000-0000-000000000000",
    *("anon", "anonymous", "nil", "none", "null", "n/a", "na", "undefined", "unknown", "<nil>"),
    *("0", "-1", "true", "false", "[]", "{}"),
]
"""As documented (docs/facts/mixpanel-http-api.md#strict-validation)."""


@pytest.mark.parametrize("value", [*FORBIDDEN, "Anonymous", "NULL", 0, -1, True, False, [], {}])
def test_forbidden_distinct_ids(mock_mixpanel: MockMixpanel, value: Any) -> None:
    """A strict import refuses these distinct ids, in any case and of any type."""
    records = [good(mock_mixpanel, distinct_id=value)]
    answer = send(mock_mixpanel, "/import?strict=1", records)
    assert (answer.status_code, answer.json()["num_records_imported"]) == (400, 0)
    assert send(mock_mixpanel, "/import", records).content == b"1"


@pytest.mark.parametrize("value", [*FORBIDDEN, "None", "UNDEFINED", 0, True, "a b", "ä", "", None])
def test_forbidden_insert_ids(mock_mixpanel: MockMixpanel, value: Any) -> None:
    """A strict import refuses these insert ids, and what has other letters, or none."""
    records = [good(mock_mixpanel, **{"$insert_id": value})]
    answer = send(mock_mixpanel, "/import?strict=1", records)
    assert answer.status_code == 400
    assert [failed["field"] for failed in answer.json()["failed_records"]] == ["$insert_id"]


def test_an_insert_id_is_measured_in_bytes(mock_mixpanel: MockMixpanel) -> None:
    """36 bytes pass and 37 do not."""
    records = [good(mock_mixpanel, **{"$insert_id": "a" * size}) for size in (36, 37)]
    answer = send(mock_mixpanel, "/import?strict=1", records)
    assert [failed["index"] for failed in answer.json()["failed_records"]] == [1]


def test_invalid_utf8_by_strict_import(mock_mixpanel: MockMixpanel) -> None:
    """Bytes that are no UTF-8 are the fault of their record, in the words that are known."""
    records = [good(mock_mixpanel, utm_source=text) for text in ("ok", "BAD")]
    answer = http(
        "POST",
        f"{mock_mixpanel.url}/import?strict=1",
        headers={"Content-Type": "application/json"},
        data=json.dumps(records).encode().replace(b"BAD", b"\xfe\xff"),
    )
    assert answer.json() == {
        "code": 400,
        "error": "some data points in the request failed validation",
        "failed_records": [
            {
                "index": 1,
                "insert_id": "id-1",
                "field": "properties.utm_source",
                "message": "properties.utm_source is invalid: string should be valid utf8",
            }
        ],
        "num_records_imported": 1,
        "status": "Bad Request",
    }
