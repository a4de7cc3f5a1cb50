"""Every encoding that clients use arrives as the same record."""

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.projects.config import Limits
from tests.mock_mixpanel.wire import event, group_update, http, packed, update

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
# Its base64 has a + and a /, and differs between the alphabets.
TEXT = "ü~~?>ÿÿ>~~"

Request = tuple[str, dict[str, str], dict[str, str], bytes]


def body_of(record: Any) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode()


def form(value: str) -> bytes:
    return f"data={value}".encode()


ENCODINGS: dict[str, Callable[[Any], Request]] = {
    "form base64 escaped": lambda r: ("POST", {}, FORM, form(quote(packed(r), safe=""))),
    "form base64 with a raw +": lambda r: ("POST", {}, FORM, form(packed_utf8(r))),
    "form base64 URL-safe": lambda r: ("POST", {}, FORM, form(url_safe(r))),
    "form base64 unpadded": lambda r: ("POST", {}, FORM, form(url_safe(r).rstrip("="))),
    "form raw JSON": lambda r: ("POST", {}, FORM, form(quote(body_of(r)))),
    "form of java": lambda r: (
        "POST",
        {},
        {"Content-Type": "application/x-www-form-urlencoded;charset=utf8"},
        form(quote(packed(r), safe="")),
    ),
    "sendBeacon": lambda r: (
        "POST",
        {},
        {"Content-Type": "text/plain;charset=UTF-8"},
        form(quote(packed(r), safe="")),
    ),
    "JSON object": lambda r: ("POST", {}, JSON, body_of(r)),
    "JSON array": lambda r: ("POST", {}, JSON, body_of([r])),
    "JSON without a type": lambda r: ("POST", {}, {}, body_of([r])),
    "empty Content-Encoding": lambda r: ("POST", {}, JSON | {"Content-Encoding": ""}, body_of(r)),
    "gzip JSON": lambda r: (
        "POST",
        {},
        JSON | {"Content-Encoding": "gzip"},
        gzip.compress(body_of([r])),
    ),
    "gzip form": lambda r: (
        "POST",
        {},
        FORM | {"Content-Encoding": "gzip"},
        gzip.compress(form(quote(packed(r), safe=""))),
    ),
    "gzip in two members": lambda r: (
        "POST",
        {},
        JSON | {"Content-Encoding": "gzip"},
        gzip.compress(body_of([r])[:7]) + gzip.compress(body_of([r])[7:]),
    ),
    "query base64": lambda r: ("GET", {"data": packed(r)}, {}, b""),
    "query base64 URL-safe": lambda r: ("GET", {"data": url_safe(r)}, {}, b""),
    "query raw JSON": lambda r: ("GET", {"data": json.dumps(r)}, {}, b""),
}


def packed_utf8(record: Any) -> str:
    return base64.b64encode(body_of(record)).decode()


def url_safe(record: Any) -> str:
    return base64.urlsafe_b64encode(body_of(record)).decode()


@pytest.mark.parametrize(
    "path", ["/import", "/import/", "/engage", "/engage/", "/groups", "/groups/"]
)
@pytest.mark.parametrize("name", ENCODINGS)
def test_encoding_on_other_routes(mock_mixpanel: MockMixpanel, name: str, path: str) -> None:
    """Every route takes every encoding."""
    records = {
        "import": event(mock_mixpanel, text=TEXT),
        "engage": update(mock_mixpanel, set={"text": TEXT}),
        "groups": group_update(mock_mixpanel, set={"text": TEXT}),
    }
    record = records[path.strip("/")]
    method, query, headers, body = ENCODINGS[name](record)
    answer = http(method, mock_mixpanel.url + path, params=query, headers=headers, data=body)
    assert (answer.status_code, answer.content) == (200, b"1")
    assert [request["payload"] for request in mock_mixpanel.requests()] == [[record]]
    assert mock_mixpanel.rejected() == []


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("name", ENCODINGS)
def test_encoding(mock_mixpanel: MockMixpanel, name: str, slash: str) -> None:
    """A record arrives unchanged in every encoding, with and without a trailing slash."""
    record = event(mock_mixpanel, text=TEXT)
    method, query, headers, body = ENCODINGS[name](record)
    answer = http(
        method, f"{mock_mixpanel.url}/track{slash}", params=query, headers=headers, data=body
    )
    assert (answer.status_code, answer.content) == (200, b"1")
    assert [request["payload"] for request in mock_mixpanel.requests()] == [[record]]
    assert [stored["properties"]["text"] for stored in mock_mixpanel.events()] == [TEXT]


def test_raw_plus_is_tested(mock_mixpanel: MockMixpanel) -> None:
    """The text of these tests really has a + and a / in base64."""
    assert {"+", "/"} <= set(packed_utf8(TEXT))


def test_ndjson(mock_mixpanel: MockMixpanel) -> None:
    """/import takes one object a line, gzipped as well, and skips empty lines."""
    records = [event(mock_mixpanel, "A"), event(mock_mixpanel, "B")]
    answer = http(
        "POST",
        f"{mock_mixpanel.url}/import",
        headers={"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"},
        data=gzip.compress(b"\n\n".join(body_of(record) for record in records) + b"\n"),
    )
    assert (answer.status_code, answer.content) == (200, b"1")
    assert [request["payload"] for request in mock_mixpanel.requests()] == [records]


def test_chunked_body(mock_mixpanel: MockMixpanel) -> None:
    """A body without a length is read, and the connection stays usable."""
    body = body_of([event(mock_mixpanel)])
    answer = http(
        "POST", f"{mock_mixpanel.url}/track", headers=JSON, data=iter([body[:9], body[9:]])
    )
    assert (answer.status_code, answer.content) == (200, b"1")
    assert len(mock_mixpanel.events()) == 1


@pytest.mark.parametrize("place", ["query", "form"])
def test_control_parameters(mock_mixpanel: MockMixpanel, place: str) -> None:
    """`verbose` counts in the query and in the form."""
    more: dict[str, str] = {"verbose": "1", "ip": "0"}
    data = {"data": json.dumps(event(mock_mixpanel))}
    answer = http(
        "POST",
        f"{mock_mixpanel.url}/track",
        params=more if place == "query" else {},
        data=data | (more if place == "form" else {}),
    )
    assert answer.content == b'{"error":null,"status":1}'


UNREADABLE = {
    "no JSON": (JSON, b"{oops", "data: not JSON: "),
    "NaN": (JSON, b'[{"event": NaN}]', "data: not JSON: "),
    "an infinite number": (JSON, b'[{"event": 1e999}]', "data: not JSON: "),
    "no base64": (FORM, b"data=%%%", "data: neither JSON nor base64: "),
    "no data": (FORM, b"date=e30=", "data: a form without data=..."),
    "JSON under a form type": (FORM, b"[{}]", "data: bare JSON under a form content type"),
    "no gzip": (JSON | {"Content-Encoding": "gzip"}, b"[{}]", "data: Content-Encoding says gzip"),
    "half a gzip": (
        JSON | {"Content-Encoding": "gzip"},
        gzip.compress(b"[{}]" * 9)[:-9],
        "data: Content-Encoding says gzip, but the body ends too early",
    ),
    "brotli": (JSON | {"Content-Encoding": "br"}, b"[{}]", "data: Content-Encoding 'br' is not"),
    "deep nesting": (JSON, b"[" * 100_000 + b"]" * 100_000, "data: not JSON: "),
    "rather deep nesting": (
        JSON,
        b"[" * 52 + b"]" * 52,
        f"data: nested deeper than {Limits().json_depth} levels",
    ),
}


def test_invalid_utf8_is_the_fault_of_one_record(mock_mixpanel: MockMixpanel) -> None:
    """A record that is no UTF-8 is refused, and listed with where; the others are stored."""
    good = body_of(event(mock_mixpanel, "Good"))
    bad = body_of(event(mock_mixpanel, "Bad", plan="PLAN")).replace(b"PLAN", b"\xff\xc3(")
    named = body_of(event(mock_mixpanel, "NAME")).replace(b"NAME", b"\xff")
    answer = http(
        "POST",
        f"{mock_mixpanel.url}/track",
        headers=JSON,
        data=b"[" + b",".join([good, bad, named]) + b"]",
    )
    assert (answer.status_code, answer.content) == (200, b"1")
    assert [item["event"] for item in mock_mixpanel.events()] == ["Good"]
    assert [item["reasons"] for item in mock_mixpanel.rejected()] == [
        ["properties.plan: string should be valid utf8"],
        ["event: string should be valid utf8"],
    ]


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable(mock_mixpanel: MockMixpanel, name: str) -> None:
    """What cannot be read is answered with 0 and listed with what was sent and the reason."""
    headers, body, reason = UNREADABLE[name]
    before = http("GET", f"{mock_mixpanel.url}/_mock/rejected").json()
    answer = http("POST", f"{mock_mixpanel.url}/track?verbose=1", headers=headers, data=body)
    assert answer.status_code == 200
    assert answer.content == b'{"error":"data, missing or empty","status":0}'
    (item,) = http("GET", f"{mock_mixpanel.url}/_mock/rejected").json()[len(before) :]
    assert [text.startswith(reason) for text in item["reasons"]] == [True]
    assert item["record"]
