"""Answers are what Mixpanel answers, byte for byte."""

import json

import pytest

from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.ingest import replies
from tests.mock_mixpanel.wire import event, group_update, http, reasons, send, update

ENDPOINTS = ["/track", "/import", "/engage", "/groups"]


def good(mock: MockMixpanel, endpoint: str) -> dict[str, object]:
    return {
        "/track": event(mock),
        "/import": event(mock),
        "/engage": update(mock, set={"a": 1}),
        "/groups": group_update(mock, set={"a": 1}),
    }[endpoint]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_plain(mock_mixpanel: MockMixpanel, endpoint: str) -> None:
    """Success is exactly `1`, as plain text with a length."""
    answer = send(mock_mixpanel, endpoint, [good(mock_mixpanel, endpoint)])
    assert (answer.status_code, answer.content) == (200, b"1")
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["Content-Length"] == "1"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("verbose", ["1", "2"])
def test_verbose(mock_mixpanel: MockMixpanel, endpoint: str, verbose: str) -> None:
    """Verbose success has a null error and an integer status, and is JSON by type."""
    path = f"{endpoint}?verbose={verbose}"
    answer = send(mock_mixpanel, path, [good(mock_mixpanel, endpoint)])
    assert answer.content == b'{"error":null,"status":1}'
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("records", [[], [{}]])
def test_no_data(mock_mixpanel: MockMixpanel, endpoint: str, records: list[object]) -> None:
    """Nothing, or an empty object, is missing data."""
    auth = (mock_mixpanel.token, "")
    answer = send(mock_mixpanel, f"{endpoint}?verbose=1", records, auth=auth)
    assert (
        answer.status_code,
        answer.content,
    ) == (200, b'{"error":"data, missing or empty","status":0}')
    assert send(mock_mixpanel, endpoint, records, auth=auth).content == b"0"


@pytest.mark.parametrize(
    ("endpoint", "record"),
    [
        ("/track", {"event": "A", "properties": {}}),
        ("/track", {"event": "A", "properties": {"token": ""}}),
        ("/track", {"event": "A", "properties": {"token": 5}}),
        ("/engage", {"$distinct_id": "u-1", "$set": {}}),
        ("/groups", {"$group_key": "company", "$group_id": "acme", "$set": {}}),
    ],
)
def test_no_token(mock_mixpanel: MockMixpanel, endpoint: str, record: dict[str, object]) -> None:
    """The reply to a record without a project has this reason, with status 200."""
    answer = send(mock_mixpanel, f"{endpoint}?verbose=1", record)
    assert (
        answer.status_code,
        answer.content,
    ) == (200, b'{"error":"token, missing or empty","status":0}')


@pytest.mark.parametrize("who", ["", None])
def test_no_distinct_id(mock_mixpanel: MockMixpanel, who: str | None) -> None:
    """The reply to a profile update without an id names the missing id."""
    record = {"$token": mock_mixpanel.token, "$distinct_id": who, "$set": {"a": 1}}
    answer = send(mock_mixpanel, "/engage?verbose=1", record)
    assert answer.content == b'{"error":"$distinct_id, missing or empty","status":0}'
    assert reasons(mock_mixpanel) == [["$distinct_id, missing or empty"]]
    assert mock_mixpanel.profiles() == {}


def test_mixed_batch(mock_mixpanel: MockMixpanel) -> None:
    """One good record makes the answer 1; the bad one is listed with its place."""
    records = [event(mock_mixpanel, event_name="x") | {"event": ""}, event(mock_mixpanel, "Good")]
    assert send(mock_mixpanel, "/track", records).content == b"1"
    assert [request["verdicts"] for request in mock_mixpanel.requests()] == [
        [
            {"index": 0, "accepted": False, "reasons": ["event, missing or empty"]},
            {"index": 1, "accepted": True, "reasons": []},
        ]
    ]
    assert [item["event"] for item in mock_mixpanel.events()] == ["Good"]


def test_callback(mock_mixpanel: MockMixpanel) -> None:
    """A callback is called with the plain or the verbose reply."""
    plain = send(mock_mixpanel, "/track?callback=cb", event(mock_mixpanel))
    assert plain.content == b"cb(1)"
    assert plain.headers["Content-Type"] == "text/javascript"
    verbose = send(mock_mixpanel, "/track?callback=cb&verbose=1", event(mock_mixpanel))
    assert verbose.content == b'cb({"error":null,"status":1})'


@pytest.mark.parametrize(
    "name",
    ["cb", "$", "mixpanel._jsc", "a.b[0].c", "a['x-1']", 'mixpanel._jsc["7"]', "(function(){})"],
)
def test_callback_names(mock_mixpanel: MockMixpanel, name: str) -> None:
    """Whatever names a function is called."""
    url = f"{mock_mixpanel.url}/track"
    answer = http("POST", url, params={"callback": name}, json=event(mock_mixpanel))
    assert answer.text == f"{name}(1)"


@pytest.mark.parametrize(
    "name",
    [
        *("alert(1);//", "a b", "a-b", "1a", "a..b", ".a", "a.", "a[b]", "a['", "a[']']", "a()"),
        *("(function(){alert(1)})", "<script>", "a\nb", "a;b", "\u00e9", "a" * 201, "a=b", "`x`"),
    ],
)
def test_callbacks_that_are_not_names(mock_mixpanel: MockMixpanel, name: str) -> None:
    """Any other text is not repeated: the reply is the one without a callback."""
    url = f"{mock_mixpanel.url}/track"
    answer = http("POST", url, params={"callback": name}, json=event(mock_mixpanel))
    assert (answer.text, answer.headers["Content-Type"]) == ("1", "text/plain")


def test_pixel(mock_mixpanel: MockMixpanel) -> None:
    """`img=1` answers with a PNG, and the event is stored."""
    answer = http(
        "GET",
        f"{mock_mixpanel.url}/track",
        params={"img": "1", "data": json.dumps(event(mock_mixpanel))},
    )
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(mock_mixpanel.events()) == 1


def test_four_envelopes() -> None:
    """The four error envelopes have different members."""
    errors = [
        replies.received("E", verbose=True),
        replies.import_error(401, "E"),
        replies.app_error(400, "E"),
        replies.query_error(400, "/api/query/x?a=1", "E"),
    ]
    assert [json.loads(error.body) for error in errors] == [
        {"error": "E", "status": 0},
        {"code": 401, "error": "E", "status": "Unauthorized"},
        {"error": "E", "status": "error"},
        {"request": "/api/query/x?a=1", "error": "E"},
    ]
    assert [error.status for error in errors] == [200, 401, 400, 400]


@pytest.mark.parametrize("path", ["/track", "/import?strict=1", "/flags"])
def test_cors(mock_mixpanel: MockMixpanel, path: str) -> None:
    """Every reply, errors too, allows the origin that asked, with credentials."""
    answer = send(mock_mixpanel, path, [{}], headers={"Origin": "http://shop.test"})
    assert answer.headers["Access-Control-Allow-Origin"] == "http://shop.test"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


@pytest.mark.parametrize("path", ["/track/", "/flags"])
def test_preflight(mock_mixpanel: MockMixpanel, path: str) -> None:
    """A preflight allows the headers it asks for and stores nothing."""
    answer = http(
        "OPTIONS",
        mock_mixpanel.url + path,
        headers={
            "Origin": "http://shop.test",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,traceparent",
        },
    )
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "http://shop.test"
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization,traceparent"


def test_control_is_not_for_other_origins(mock_mixpanel: MockMixpanel) -> None:
    """A page of another origin may not read the journal."""
    answer = http(
        "GET", f"{mock_mixpanel.url}/_mock/requests", headers={"Origin": "http://shop.test"}
    )
    assert None is answer.headers.get("Access-Control-Allow-Origin")


def test_head_stores_nothing(mock_mixpanel: MockMixpanel) -> None:
    """HEAD is answered without a body and without an effect."""
    data = json.dumps(event(mock_mixpanel))
    answer = http("HEAD", f"{mock_mixpanel.url}/track", params={"data": data})
    assert (answer.status_code, answer.content) == (200, b"")
    assert mock_mixpanel.requests() == []
