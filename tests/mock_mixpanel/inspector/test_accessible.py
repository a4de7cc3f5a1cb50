"""Every page against the rules of axe, in both themes, on a phone and on a desk."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mock_mixpanel import Server
from mock_mixpanel.client import MockMixpanel
from tests.clients.browser_run import chromium
from tests.clients.needs import node_package
from tests.mock_mixpanel.inspector.browser import Page
from tests.mock_mixpanel.inspector.samples import EMPTY_PAGES, fill, gateway_messages, pages

RUN = """
    const done = arguments[0];
    axe.run(document, {resultTypes: ['violations']}).then((found) => done(
        found.violations.map((each) => [each.id, each.nodes.map((node) => node.target.join(' '))])
    ), (error) => done([['axe failed', [String(error)]]]));
"""
WIDER = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def axe() -> str:
    return (node_package("axe-core") / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile"), https_port=0) as made:
        made.set_script_timeout(60)
        yield made


def violations(driver: Any, axe: str, page: Page, addresses: dict[str, str]) -> list[Any]:
    """What axe finds, and pages that are wider than the window, by page, theme and width."""
    found = []
    for width in (360, 1280):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for name, address in addresses.items():
            page.open(address)
            driver.execute_script(axe)
            for theme in ("light", "dark"):
                page.run("document.documentElement.dataset.theme = arguments[0]", theme)
                broken = driver.execute_async_script(RUN)
                if page.run(WIDER) > 0:
                    broken.append(["wider than the window", page.run(WIDER)])
                if broken:
                    found.append([name, theme, width, broken])
    return found


def test_full_pages(driver: Any, axe: str) -> None:
    """No page with data breaks a rule."""
    with Server(eu_port=0, messages=gateway_messages()) as server:
        mock = MockMixpanel(server.url, "T", eu_url=server.eu_url or "")
        project = fill(mock)
        found = violations(driver, axe, Page(driver, server.url), pages(project))
        mock.close()
    assert found == [], json.dumps(found, indent=1)


def test_empty_pages(driver: Any, axe: str) -> None:
    """No page without data breaks a rule."""
    addresses = {address or "overview": address for address in EMPTY_PAGES}
    with Server(messages=lambda limit, before: {"messages": [], "next": None}) as server:
        found = violations(driver, axe, Page(driver, server.url), addresses)
    assert found == [], json.dumps(found, indent=1)


def test_broken_page_is_caught(driver: Any, axe: str) -> None:
    """A button without a name on a page is found."""
    with Server() as server:
        page = Page(driver, server.url)
        page.open()
        page.run("document.querySelector('main').append(document.createElement('button'))")
        driver.execute_script(axe)
        assert [name for name, _ in driver.execute_async_script(RUN)] == ["button-name"]
