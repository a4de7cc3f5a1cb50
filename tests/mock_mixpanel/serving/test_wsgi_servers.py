"""The Flask application gives the same responses under any WSGI server as under the mock's own."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from werkzeug.serving import make_server as make_werkzeug_server

from mock_mixpanel import Server, create_app
from tests.mock_mixpanel.wire import http as request
from tests.thread_server import in_thread

EVENT = {"event": "E", "properties": {"token": "T", "distinct_id": "a"}}
MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n' + json.dumps(EVENT).encode()
) + b"\r\n--x--\r\n"
TYPE = "Content-Type"


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@contextmanager
def own() -> Iterator[str]:
    with Server() as server:
        yield server.url


@contextmanager
def wsgiref() -> Iterator[str]:
    with in_thread(make_server("127.0.0.1", 0, create_app(), handler_class=_Quiet)) as url:
        yield url


@contextmanager
def werkzeug() -> Iterator[str]:
    with in_thread(make_werkzeug_server("127.0.0.1", 0, create_app(), threaded=True)) as url:
        yield url


REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "JSON": ("POST", "/track?verbose=1", {"json": [EVENT]}),
    "form": ("POST", "/track", {"data": {"data": json.dumps(EVENT), "verbose": "1"}}),
    "multipart": (
        "POST",
        "/track?verbose=1",
        {"data": MULTIPART, "headers": {TYPE: "multipart/form-data; boundary=x"}},
    ),
    "callback": ("POST", "/track?callback=cb", {"json": [EVENT]}),
    "hostile callback": ("POST", "/track?callback=alert(1);//", {"json": [EVENT]}),
    "from a page": ("POST", "/track", {"json": [EVENT], "headers": {"Origin": "http://a.test"}}),
    "preflight": ("OPTIONS", "/engage", {"headers": {"Origin": "http://a.test"}}),
    "head": ("HEAD", "/track", {}),
    "put": ("PUT", "/track", {"json": [EVENT]}),
    "slash at the end": ("POST", "/track/", {"json": [EVENT]}),
    "slashes before": ("POST", "//track", {"json": [EVENT]}),
    "slashes after": ("POST", "/track//", {"json": [EVENT]}),
    "slashes within": ("GET", "/flags//definitions?token=T", {}),
    "slashes and a version": ("POST", "/v1//track", {"json": [EVENT]}),
    "slashes before control": ("GET", "//_mock/clock", {}),
    "a token with slashes": ("GET", "/_mock/projects/a//b", {}),
    "unknown": ("GET", "/nowhere?a=b", {}),
    "strange path": ("GET", "/%ff%00", {}),
    "unknown control": ("GET", "/_mock/nowhere", {}),
    "not JSON": ("POST", "/import?strict=1", {"data": b"{oops", "headers": {TYPE: "text/plain"}}),
    "too large": ("POST", "/track", {"data": b"x" * 11_000_000}),
    "foreign page": ("POST", "/_mock/reset", {"headers": {"Sec-Fetch-Site": "cross-site"}}),
    "rebinding": ("GET", "/_mock/requests", {"headers": {"Host": "evil.example"}}),
    "journal": ("GET", "/_mock/rejected", {}),
}
OF_THE_SERVER = {"date", "server", "connection", "content-length", "transfer-encoding"}


def responses(url: str) -> dict[str, Any]:
    """The response to each request, without the headers that a server adds."""
    found = {}
    for name, (method, path, more) in REQUESTS.items():
        answer = request(method, url + path, **more)
        kept = {key.lower(): value for key, value in answer.headers.items()}
        shown = {key: kept[key] for key in kept.keys() - OF_THE_SERVER}
        found[name] = (answer.status_code, shown, answer.content)
    return found


@pytest.mark.parametrize("server", [wsgiref, werkzeug])
def test_same_responses(server: Any) -> None:
    """Status, headers and body are the same, whatever is asked."""
    with own() as url:
        request("POST", f"{url}/_mock/clock", json={"now": "2026-06-15", "freeze": True})
        expected = responses(url)
    with server() as url:
        request("POST", f"{url}/_mock/clock", json={"now": "2026-06-15", "freeze": True})
        found = responses(url)
    assert found == expected


@pytest.mark.parametrize("how", ["during", "after"])
@pytest.mark.parametrize("server", [own, wsgiref, werkzeug])
def test_cut_connections(server: Any, how: str) -> None:
    """A fault that closes the connection does so under every server."""
    with server() as url:
        fault = {"match": {"times": 1}, "action": {"store_then": {"close": how}}}
        request("POST", f"{url}/_mock/faults", json=fault)
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        headers = {TYPE: "application/json"}
        connection.request("POST", "/track?verbose=1", json.dumps([EVENT]), headers)
        answer = connection.getresponse()
        if how == "during":
            with pytest.raises(http.client.IncompleteRead):
                answer.read()
        else:
            assert answer.read() == b'{"error":null,"status":1}'
        connection.close()
        assert len(request("GET", f"{url}/_mock/events").json()) == 1
