"""Every encoding that clients use arrives as the same record."""

import base64
import gzip
import io
import json
import tracemalloc
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.ingest.decoding import forms
from mock_mixpanel.ingest.decoding.records import decode
from mock_mixpanel.projects.config import MixpanelLimits
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
    "multipart base64": lambda r: multipart({"data": packed(r)}),
    "multipart raw JSON": lambda r: multipart({"data": json.dumps(r), "ip": "1"}),
    "multipart file": lambda r: multipart({"data": attached(body_of(r))}),
    "gzip multipart": lambda r: gzipped(multipart({"data": packed(r)})),
    "query base64": lambda r: ("GET", {"data": packed(r)}, {}, b""),
    "query base64 URL-safe": lambda r: ("GET", {"data": url_safe(r)}, {}, b""),
    "query raw JSON": lambda r: ("GET", {"data": json.dumps(r)}, {}, b""),
}


def packed_utf8(record: Any) -> str:
    return base64.b64encode(body_of(record)).decode()


def url_safe(record: Any) -> str:
    return base64.urlsafe_b64encode(body_of(record)).decode()


def multipart(fields: dict[str, Any]) -> Request:
    boundary, body = encode_multipart(fields)
    return "POST", {}, {"Content-Type": f"multipart/form-data; boundary={boundary}"}, body


def attached(content: bytes) -> FileStorage:
    return FileStorage(io.BytesIO(content), "data.json", "data")


def gzipped(request: Request) -> Request:
    method, query, headers, body = request
    return method, query, headers | {"Content-Encoding": "gzip"}, gzip.compress(body)


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
    "multipart without a boundary": (
        {"Content-Type": "multipart/form-data"},
        b"--b",
        "data: multipart/form-data without a boundary",
    ),
    "multipart that ends too early": (
        {"Content-Type": "multipart/form-data; boundary=b"},
        b'--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n{}',
        "data: multipart/form-data: ",
    ),
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
        f"data: nested deeper than {MixpanelLimits().json_depth} levels",
    ),
}


def test_invalid_utf8_is_the_fault_of_one_record(mock_mixpanel: MockMixpanel) -> None:
    """A record that is not UTF-8 is refused and listed with its place; the others are stored."""
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
    """An unreadable request is answered with 0 and listed with its body and the reason."""
    headers, body, reason = UNREADABLE[name]
    before = http("GET", f"{mock_mixpanel.url}/_mock/rejected").json()
    answer = http("POST", f"{mock_mixpanel.url}/track?verbose=1", headers=headers, data=body)
    assert answer.status_code == 200
    assert answer.content == b'{"error":"data, missing or empty","status":0}'
    (item,) = http("GET", f"{mock_mixpanel.url}/_mock/rejected").json()[len(before) :]
    assert [text.startswith(reason) for text in item["reasons"]] == [True]
    assert item["record"]


BROKEN_BASE64 = {
    "a character outside of the alphabet": "W10!",
    "a percent sign": "%25%25%25",
    "impossible length": "W10aa",
    "text": "hello, world",
    "a line break": "W3siZXZl%0AbnQiOjF9XQ==",
    "a line break of Windows": "W3siZXZl%0D%0AbnQiOjF9XQ==",
    "a raw line break": "W3siZXZl\nbnQiOjF9XQ==",
}


@pytest.mark.parametrize("path", ["/track", "/engage", "/groups", "/import"])
@pytest.mark.parametrize("name", BROKEN_BASE64)
def test_broken_base64(mock_mixpanel: MockMixpanel, name: str, path: str) -> None:
    """Base64 with a wrong character or a line break is refused with Mixpanel's own words.

    Source: https://github.com/zevarito/mixpanel/issues/84
    """
    before = http("GET", f"{mock_mixpanel.url}/_mock/rejected").json()
    body = f"data={BROKEN_BASE64[name]}".encode()
    answer = http("POST", f"{mock_mixpanel.url}{path}?verbose=1", headers=FORM, data=body)
    assert answer.content == b'{"error":"data, invalid base64 encoding","status":0}'
    (item,) = http("GET", f"{mock_mixpanel.url}/_mock/rejected").json()[len(before) :]
    assert item["reasons"][0].startswith("data: neither JSON nor valid base64: ")


def cesu8(text: str) -> bytes:
    """UTF-8 in which each half of a surrogate pair is encoded alone, as mixpanel-browser does."""
    units = text.encode("utf-16-le", "surrogatepass")
    halves = [chr(int.from_bytes(units[i : i + 2], "little")) for i in range(0, len(units), 2)]
    return "".join(halves).encode(errors="surrogatepass")


SPLIT_PAIRS: dict[str, Callable[[bytes], tuple[dict[str, str], bytes]]] = {
    "base64": lambda text: (FORM, b"data=" + quote(base64.b64encode(text)).encode()),
    "form": lambda text: (FORM, b"data=" + quote(text).encode()),
    "JSON": lambda text: (JSON, text),
    "lines": lambda text: ({"Content-Type": "application/x-ndjson"}, text.strip(b"[]")),
}


@pytest.mark.parametrize("encoding", SPLIT_PAIRS)
def test_surrogate_halves(mock_mixpanel: MockMixpanel, encoding: str) -> None:
    """A character in two UTF-8 encoded surrogate halves is stored as the character.

    mixpanel-browser sends such base64 to every host that is not Mixpanel's. Sources:
    https://github.com/mixpanel/mixpanel-js/issues/385,
    https://github.com/mixpanel/mixpanel-iphone/issues/725
    """
    tree = chr(0x1F333)

    def post(path: str, record: Any) -> bytes:
        headers, body = SPLIT_PAIRS[encoding](cesu8(json.dumps([record], ensure_ascii=False)))
        assert tree.encode() not in body
        return http("POST", mock_mixpanel.url + path, headers=headers, data=body).content

    name = f"Rated {tree}{tree} ü"
    assert post("/track", event(mock_mixpanel, name, **{tree: [{"deep": tree}]})) == b"1"
    assert post("/engage", update(mock_mixpanel, set={"plan": "pro", tree: tree})) == b"1"
    assert post("/groups", group_update(mock_mixpanel, set={"name": tree})) == b"1"
    (stored,) = mock_mixpanel.events()
    assert (stored["event"], stored["properties"][tree]) == (name, [{"deep": tree}])
    assert mock_mixpanel.profiles() == {"u-1": {"plan": "pro", tree: tree}}
    assert mock_mixpanel.groups() == {"company": {"acme": {"name": tree}}}
    assert mock_mixpanel.rejected() == []


def test_surrogate_halves_beside_broken_text(mock_mixpanel: MockMixpanel) -> None:
    """A lone half is still an error of its own record, and a pair beside it is read."""
    tree = chr(0x1F333)
    records = [event(mock_mixpanel, f"Good {tree}"), event(mock_mixpanel, "Bad \ud83c")]
    body = cesu8(json.dumps(records, ensure_ascii=False))
    http("POST", f"{mock_mixpanel.url}/track", headers=JSON, data=body)
    assert [item["event"] for item in mock_mixpanel.events()] == [f"Good {tree}"]
    (item,) = mock_mixpanel.rejected()
    assert item["reasons"] == ["event: string should be valid utf8"]


SIZE = 1_000_000

LARGE_FORMS: dict[str, Callable[[], tuple[str, str, bytes]]] = {
    "percent-encoded": lambda: (FORM["Content-Type"], "", b"data=" + b"%20" * (SIZE // 3)),
    "gzip": lambda: (
        FORM["Content-Type"],
        "gzip",
        gzip.compress(b"data=" + b"%20" * (SIZE // 3), 1),
    ),
    "broken escapes": lambda: (FORM["Content-Type"], "", b"data=" + b"%" * SIZE),
    "a long name": lambda: (FORM["Content-Type"], "", b"%20" * (SIZE // 3) + b"=1&data="),
    "many fields": lambda: (FORM["Content-Type"], "", b"a=%20&" * (SIZE // 6) + b"data="),
    "multipart": lambda: (
        "multipart/form-data; boundary=b",
        "",
        b'--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n'
        + b"%20" * (SIZE // 3)
        + b"\r\n--b--\r\n",
    ),
    "many parts": lambda: ("multipart/form-data; boundary=b", "", b"--b\r\n\r\n\r\n" * (SIZE // 9)),
}


@pytest.mark.parametrize("name", LARGE_FORMS)
def test_form_in_bounded_memory(name: str) -> None:
    """Decoding a form needs less than six times its size."""
    content_type, encoding, body = LARGE_FORMS[name]()
    tracemalloc.start()
    try:
        decode({}, content_type, encoding, body, max_bytes=10**7, max_depth=50)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * SIZE


CHUNK = 64


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, CHUNK + 2, 3 * CHUNK])
@pytest.mark.parametrize("text", [b"%41", b"%", b"%4", b"a", b"+", b"%2B%"])
def test_percent_decoding_in_chunks(
    size: int, text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoding in chunks gives the same as decoding at once, wherever an escape is cut."""
    monkeypatch.setattr(forms, "CHUNK", CHUNK)
    for before in range(4):
        value = b"x" * before + (text * size)[:size] + b"%C3%BC"
        assert forms.unquoted(value) == unquote_to_bytes(value.replace(b"+", b" "))
