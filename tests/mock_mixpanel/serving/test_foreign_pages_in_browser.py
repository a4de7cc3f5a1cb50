"""A hostile web page in headless Chromium, beside a running mock."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from mock_mixpanel import Server
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.serving import guard
from tests.clients.browser_run import chromium
from tests.clients.needs import python_client
from tests.mock_mixpanel.wire import event, http, send
from tests.thread_server import in_thread

EVIL = "evil.example.com"
"""The browser resolves it to this machine."""

FETCH = """
    const [url, options, done] = arguments;
    fetch(url, options).then(async (answer) => done([answer.status, await answer.text()]),
                             () => done('blocked'));
"""
FORM = """
    const form = document.createElement('form');
    Object.assign(form, {action: arguments[0], method: 'POST', enctype: 'text/plain'});
    const field = document.createElement('input');
    Object.assign(field, {name: '{"advance": 1000, "freeze": true, "x', value: '": 0}'});
    form.append(field);
    document.body.append(form);
    form.submit();
"""
ELEMENT = """
    const [kind, url, done] = arguments;
    const element = document.createElement(kind);
    element.onload = () => done('loaded');
    element.onerror = () => done('blocked');
    element.src = url;
    document.body.append(element);
"""
FRAME = "return document.querySelector('iframe').contentDocument"


class _Blank(BaseHTTPRequestHandler):
    """The attacker's site: an empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>evil</title><body>")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def evil_site() -> Iterator[str]:
    """The base URL of the attacker's site."""
    with in_thread(ThreadingHTTPServer(("127.0.0.1", 0), _Blank)) as url:
        yield url.replace("127.0.0.1", EVIL)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile"), https_port=0) as made:
        made.set_script_timeout(30)
        yield made


@pytest.fixture
def mock(mock_mixpanel: MockMixpanel) -> MockMixpanel:
    """A mock with something to read and to lose; its clock stands still."""
    mock_mixpanel.freeze("2026-06-15T12:00:00Z")
    send(mock_mixpanel, "/track", event(mock_mixpanel, "Secret plan"))
    return mock_mixpanel


def state(mock: MockMixpanel) -> list[Any]:
    """What an attacker would like to change."""
    faults = http("GET", f"{mock.url}/_mock/faults").json()
    return [mock.events(), mock.requests(), mock.now(), faults]


READING = [
    "/_mock/requests",
    "/_mock/events",
    "/_mock/projects/TOKEN",
    "/api/2.0/export?from_date=2026-06-15&to_date=2026-06-15&token=TOKEN",
    "/api/2.0/engage?token=TOKEN",
]
WRITING = [
    ("POST", "/_mock/reset", "{}"),
    ("POST", "/_mock/clock", '{"advance": 1000}'),
    ("POST", "/_mock/faults", '{"action": {"status": 500}}'),
    ("POST", "/api/app/data-deletions/v3.0?token=TOKEN", '{"distinct_ids": ["u-1"]}'),
]


def url_of(mock: MockMixpanel, path: str) -> str:
    return mock.url + path.replace("TOKEN", mock.token)


def test_foreign_page(driver: Any, evil_site: str, mock: MockMixpanel) -> None:
    """A page of another origin reads nothing and changes nothing, whatever it uses for it."""
    before = state(mock)
    driver.get(evil_site)
    for path in READING:
        for options in ({"credentials": "include"}, {}):
            assert driver.execute_async_script(FETCH, url_of(mock, path), options) == "blocked"
    for method, path, body in WRITING:
        simple = {"method": method, "mode": "no-cors", "body": body}
        # The request is sent; its response is blocked or opaque.
        answer = driver.execute_async_script(FETCH, url_of(mock, path), simple)
        assert answer in ("blocked", [0, ""])
        asking_first = simple | {"mode": "cors", "headers": {"Content-Type": "application/json"}}
        assert driver.execute_async_script(FETCH, url_of(mock, path), asking_first) == "blocked"
    for kind in ("script", "img"):
        url = url_of(mock, "/_mock/events")
        assert driver.execute_async_script(ELEMENT, kind, url) == "blocked"
    driver.execute_async_script(ELEMENT, "iframe", url_of(mock, "/_mock/events"))
    assert driver.execute_script(FRAME) is None
    driver.execute_script(FORM, url_of(mock, "/_mock/clock"))
    wait = python_client("selenium.webdriver.support.wait").WebDriverWait(driver, 20)
    wait.until(lambda _: driver.current_url == f"{mock.url}/_mock/clock")
    assert "caused this request" in driver.page_source
    assert state(mock) == before


def test_rebinding(driver: Any, mock: MockMixpanel) -> None:
    """A page whose own name now leads to the mock reads nothing and changes nothing either."""
    before = state(mock)
    rebound = f"http://{EVIL}:{urlsplit(mock.url).port}"
    driver.get(f"{rebound}/decide")
    assert driver.execute_script("return location.origin") == rebound
    for path in READING:
        own = path.replace("TOKEN", mock.token)
        status, text = driver.execute_async_script(FETCH, own, {})
        assert (status, "Secret plan" in text) == (403, False)
    for method, path, body in WRITING:
        own = path.replace("TOKEN", mock.token)
        status, _ = driver.execute_async_script(FETCH, own, {"method": method, "body": body})
        assert status == 403
    after = state(mock)
    assert [after[0], after[2], after[3]] == [before[0], before[2], before[3]]


def test_sdk_in_a_foreign_page(driver: Any, evil_site: str, mock: MockMixpanel) -> None:
    """What SDKs need works from any page: they send data and read the response."""
    driver.get(evil_site)
    body = json.dumps([event(mock, "From a page")])
    headers = {"Content-Type": "application/json"}
    asked = {"method": "POST", "credentials": "include", "body": body, "headers": headers}
    answer = driver.execute_async_script(FETCH, f"{mock.url}/track", asked)
    assert answer == [200, "1"]
    flags = f"{mock.url}/flags?token={mock.token}"
    status, _ = driver.execute_async_script(FETCH, flags, {"credentials": "include"})
    assert status == 200
    assert [each["event"] for each in mock.events()] == ["Secret plan", "From a page"]


def test_attacks_without_a_guard(
    driver: Any, evil_site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same attacks succeed against a mock that checks nothing, so the tests above can fail."""
    monkeypatch.setattr(guard, "_refusal", lambda _access: None)
    with Server() as server:
        mock = MockMixpanel(server.url, "T")
        send(mock, "/track", event(mock, "Secret plan"))
        driver.get(f"http://{EVIL}:{urlsplit(mock.url).port}/decide")
        status, text = driver.execute_async_script(FETCH, "/_mock/events", {})
        assert (status, "Secret plan" in text) == (200, True)
        driver.get(evil_site)
        simple = {"method": "POST", "mode": "no-cors", "body": "{}"}
        driver.execute_async_script(FETCH, f"{mock.url}/_mock/reset", simple)
        assert mock.events() == []
        mock.close()
