"""Hostile values and hostile sites against the pages, in headless Chromium."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jinja2 import FileSystemLoader

from mock_mixpanel import Server
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.inspector import site
from tests.clients.browser_run import chromium
from tests.mock_mixpanel.inspector.browser import Page
from tests.mock_mixpanel.inspector.samples import fill, gateway_messages, pages
from tests.mock_mixpanel.serving.test_foreign_pages_in_browser import (
    ELEMENT,
    EVIL,
    FETCH,
    FRAME,
    evil_site,
)
from tests.mock_mixpanel.wire import event, http, send

__all__ = ["evil_site"]

HARMLESS = "harmless text"
HOSTILE = [
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked=1'>",
    "\"'><svg onload=window.hacked=1><style>*{display:none}</style></table></main>",
    "javascript:window.hacked=1//{{7*7}}{% raw %}<!--\u2028\u202e",
    "../../?#<a href=//evil.example.com>\n</pre></textarea></title><base href=//evil.example.com>",
]
ELEMENTS = "return document.querySelectorAll('*').length"
STATE = "return [window.hacked, document.baseURI === location.href]"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile"), https_port=0) as made:
        made.set_script_timeout(30)
        yield made


def elements(driver: Any, text: str) -> dict[str, int]:
    """How many elements each page has, if all that a client chooses is this text."""
    with Server(eu_port=0, messages=gateway_messages(text)) as server:
        mock = MockMixpanel(server.url, "T", eu_url=server.eu_url or "")
        # No project can be set up under a token with a line break.
        project = fill(mock, token=text.replace("\n", " "), text=text)
        page = Page(driver, server.url)
        found = {}
        for name, address in pages(project).items():
            page.open(address)
            if "search" not in name:  # What a search finds depends on its text.
                found[name] = page.run(ELEMENTS)
            assert (name, page.run(STATE)) == (name, [None, "#" not in address])
        mock.close()
        return found


@pytest.fixture(scope="module")
def harmless(driver: Any) -> dict[str, int]:
    return elements(driver, HARMLESS)


@pytest.mark.parametrize("text", HOSTILE)
def test_values_stay_text(driver: Any, harmless: dict[str, int], text: str) -> None:
    """No name, id or value of a client becomes an element, and none runs, on any page."""
    driver.get_log("browser")
    assert elements(driver, text) == harmless
    violations = [each for each in driver.get_log("browser") if "Content Security" in str(each)]
    assert violations == []


def test_broken_template_is_caught(
    driver: Any, harmless: dict[str, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A template that leaves out the escaping is found by the count of elements."""
    templates = Path(site.__file__).with_name("templates")
    for file in templates.iterdir():
        text = file.read_text(encoding="utf-8")
        (tmp_path / file.name).write_text(
            text.replace("{{ item.name | clipped }}", "{{ item.name | clipped | safe }}"),
            encoding="utf-8",
        )
    monkeypatch.setattr(site, "PackageLoader", lambda name: FileSystemLoader(tmp_path))
    # Without the templates that are compiled already.
    monkeypatch.setattr(site, "_templates", site._templates.__wrapped__)
    found = elements(driver, "<b>bold</b>")
    different = {name for name, count in found.items() if harmless[name] != count}
    assert {"events", "request"} <= different


FORM = """
    const [url, fields] = arguments;
    const form = document.createElement('form');
    Object.assign(form, {action: url, method: 'POST'});
    for (const [name, value] of Object.entries(fields)) {
        const field = document.createElement('input');
        Object.assign(field, {name, value});
        form.append(field);
    }
    document.body.append(form);
    form.submit();
"""
FORMS = [
    ("clock", {"advance": "1000"}),
    ("faults", {"action": "status", "status": "500"}),
    ("project?token=T", {"json": '{"alias_delay": 5}'}),
    ("reset", {"forget": "", "confirm": "everything"}),
]


@pytest.fixture
def mock() -> Iterator[MockMixpanel]:
    """A mock with something to read and to lose; its clock stands still."""
    with Server() as server:
        made = MockMixpanel(server.url, "T")
        made.freeze("2026-06-15T12:00:00Z")
        send(made, "/track", event(made, "Secret plan"))
        yield made
        made.close()


def is_at(driver: Any, url: str) -> bool:
    return bool(driver.current_url == url)


def state(mock: MockMixpanel) -> list[Any]:
    names = ("events", "requests", "clock", "faults", "projects")
    return [http("GET", f"{mock.url}/_mock/{name}").json() for name in names]


def test_foreign_site(driver: Any, evil_site: str, mock: MockMixpanel) -> None:
    """A page of another site neither reads nor changes anything through the pages."""
    before = state(mock)
    driver.get(evil_site)
    for name in ("", "requests", "events/1", "saved?token=T", "static/inspector.js"):
        url = f"{mock.url}/_mock/ui/{name}"
        assert driver.execute_async_script(FETCH, url, {"credentials": "include"}) == "blocked"
        assert driver.execute_async_script(ELEMENT, "img", url) == "blocked"
        assert driver.execute_async_script(ELEMENT, "script", url) == "blocked"
    driver.execute_async_script(ELEMENT, "iframe", f"{mock.url}/_mock/ui/")
    assert driver.execute_script(FRAME) is None
    page = Page(driver, mock.url)
    for path, fields in FORMS:
        driver.get(evil_site)
        url = f"{mock.url}/_mock/ui/{path}"
        driver.execute_script(FORM, url, fields)
        page.wait(partial(is_at, driver, url))
        assert "caused this request" in driver.page_source
    assert state(mock) == before


def test_rebound_site(driver: Any, mock: MockMixpanel) -> None:
    """A site whose own name leads to the mock is refused all pages and forms."""
    before = state(mock)
    driver.get(f"http://{EVIL}:{urlsplit(mock.url).port}/decide")
    for name in ("", "requests", "events/1", "saved?token=T"):
        status, text = driver.execute_async_script(FETCH, f"/_mock/ui/{name}", {})
        assert (status, "Secret plan" in text) == (403, False)
    for path, fields in FORMS:
        body = "&".join(f"{name}={value}" for name, value in fields.items())
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        asked = {"method": "POST", "body": body, "headers": headers}
        status, _ = driver.execute_async_script(FETCH, f"/_mock/ui/{path}", asked)
        assert status == 403
    after = state(mock)
    assert [after[0], *after[2:4]] == [before[0], *before[2:4]]
