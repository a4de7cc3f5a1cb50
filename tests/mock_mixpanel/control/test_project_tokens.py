"""A project can be set and read by any token, percent-encoded in the path."""

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from mock_mixpanel.client import MockMixpanel

TOKENS = (
    *("a\nb", "\n", "a\r\nb", "a\n", "/a", "//", "a/b", "a//b", "a/", "..", ".", "a/../b"),
    *(" ", "a ", "\0", "\x7f", "\x85", "\u2028", "a%b", "a%2Fb", "a%0Ab", "a?b", "a#b", "a;b"),
    *("a+b", "a&b=c", "<b>", "é", "🌳", "\ud800"),
)


def call(mock: MockMixpanel, method: str, token: str, body: Any = None) -> tuple[int, Any]:
    """Call without a client library: some shorten paths."""
    connection = http.client.HTTPConnection(urlsplit(mock.url).netloc, timeout=30)
    path = f"/_mock/projects/{quote(token, safe='', errors='surrogatepass')}"
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


@pytest.mark.parametrize("token", TOKENS, ids=ascii)
def test_any_token(mock_mixpanel: MockMixpanel, token: str) -> None:
    """Options that were set for a token are read back under the same token."""
    status, options = call(mock_mixpanel, "PUT", token, {"alias_delay": 7})
    assert (status, options["token"], options["alias_delay"]) == (200, token, 7)
    assert call(mock_mixpanel, "GET", token) == (200, options)


@pytest.mark.parametrize("token", TOKENS, ids=ascii)
def test_list_of_projects(mock_mixpanel: MockMixpanel, token: str) -> None:
    """The list of projects has each token, with the address of its options."""
    call(mock_mixpanel, "PUT", token, {})
    projects = requests.get(f"{mock_mixpanel.url}/_mock/projects", timeout=30).json()
    found = {each["token"]: each["url"] for each in projects}
    path = quote(token, safe="", errors="surrogatepass")
    assert found[token] == f"/_mock/projects/{path}"


def test_bytes_that_are_not_text(mock_mixpanel: MockMixpanel) -> None:
    """A path that is not UTF-8 is refused, so that it cannot become another token."""
    connection = http.client.HTTPConnection(urlsplit(mock_mixpanel.url).netloc, timeout=30)
    connection.request("PUT", "/_mock/projects/T%FF", "{}", {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = json.loads(answer.read())
    connection.close()
    expected = "token: expected UTF-8, percent-encoded in the path"
    assert (answer.status, found["error"]) == (400, expected)


def test_a_line_break_in_any_other_path(mock_mixpanel: MockMixpanel) -> None:
    """A path that is not known is answered with the known ones, line breaks included."""
    connection = http.client.HTTPConnection(urlsplit(mock_mixpanel.url).netloc, timeout=30)
    connection.request("GET", "/_mock/pro%0Ajects")
    answer = connection.getresponse()
    found = json.loads(answer.read())
    connection.close()
    assert (answer.status, found["error"]) == (404, "there is no GET /_mock/pro\njects")
