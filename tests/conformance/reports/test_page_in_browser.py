"""The page in headless Chromium, as a person would use it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.reports.write import write_reports
from tests.clients.browser_run import chromium
from tests.clients.needs import python_client
from tests.conformance.reports.samples import every_verdict

SHOWN = "return [...document.querySelectorAll('.outcome:not([hidden])')].map((each) => each.id)"
OPEN = "return [...document.querySelectorAll('.outcome[open]')].map((each) => each.id)"
HEIGHT = "return document.getElementById(arguments[0]).getBoundingClientRect().top"


class Page:
    """The page, loaded anew for each address."""

    def __init__(self, driver: Any, file: Path) -> None:
        self.driver, self._file = driver, file
        self._wait = python_client("selenium.webdriver.support.wait").WebDriverWait

    def open(self, fragment: str = "") -> None:
        self.driver.get("about:blank")
        self.driver.get(f"{self._file.as_uri()}{fragment}")

    def run(self, script: str, *given: Any) -> Any:
        return self.driver.execute_script(script, *given)

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def wait(self, true: Callable[[], bool]) -> None:
        self._wait(self.driver, 20, poll_frequency=0.05).until(lambda _: true())


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile"), https_port=0) as made:
        made.set_window_size(1280, 1000)
        yield made


@pytest.fixture
def page(driver: Any, tmp_path: Path) -> Iterator[Page]:
    """The page of a run; its console must stay free of errors, also those of its policy."""
    write_reports(every_verdict(), tmp_path)
    yield Page(driver, tmp_path / "report.html")
    assert [each for each in driver.get_log("browser") if each["level"] == "SEVERE"] == []


def test_nothing_hostile_runs(page: Page) -> None:
    """Texts of translators are shown as text everywhere."""
    page.open()
    page.find("#open").click()
    assert page.driver.title == "Not conformant: node example"
    assert page.run("return document.querySelectorAll('img').length") == 0


def test_matrix(page: Page) -> None:
    """Headings by verdicts, worst first; a number leads to what it counts."""
    page.open()
    rows = page.run("""
        return [...document.querySelectorAll('#matrix tr')].map(
            (row) => [...row.querySelectorAll('th, .count')].map((cell) => cell.textContent));
    """)
    assert rows == [
        ["heading", "errors", "failed", "stale", "expected failures", "skipped", "passed"],
        ["everything", "1", "2", "1", "2", "1", "2"],
        ["Track", "1", "1", "1", "1"],
        ["Alias", "1"],
        ["captures", "1", "1"],
        ["other sources", "1", "1"],
    ]
    page.find("#matrix a[href='#?heading=other%20sources&verdict=stale']").click()
    page.wait(lambda: page.run(SHOWN) == ["time/stale"])
    assert page.find("#shown").text == "1 of 9"


def test_filter_is_in_the_address(page: Page) -> None:
    """The address of a filtered page leads to the same filter."""
    page.open()
    page.find("select[name=verdict] option:nth-child(3)").click()
    page.find("input[name=q]").send_keys("OPENED missing")
    assert page.run(SHOWN) == ["track/fails"]
    fragment = page.run("return location.hash")
    assert fragment == "#?q=OPENED+missing&verdict=fail"
    page.open(fragment)
    assert page.run(SHOWN) == ["track/fails"]
    page.find("button[type=reset]").click()
    page.wait(lambda: len(page.run(SHOWN)) == 9)


def test_link_to_one(page: Page) -> None:
    """A link to a scenario opens it and brings it into view, even if a filter hid it."""
    page.open("#?level=should")
    assert page.run(SHOWN) == ["track/skipped"]
    page.run("location.hash = '#track/fails'")
    page.wait(lambda: page.run(OPEN) == ["track/fails"])
    bar = page.find("#filter").rect
    assert bar["height"] <= page.run(HEIGHT, "track/fails") < page.run("return innerHeight")
    assert page.run("return location.hash") == "#track/fails"
    page.open("#c-1:documented")
    assert page.run(OPEN) == ["c-1:documented"]


@pytest.mark.parametrize(
    ("fragment", "problem"),
    [
        ("#?verdict=failed", 'no verdict is called "failed"'),
        ("#?level=must&colour=red", 'there is no filter called "colour"'),
        ("#track/none", 'no case is called "track/none"'),
    ],
)
def test_a_filter_that_is_not_known(page: Page, fragment: str, problem: str) -> None:
    """The page says so and shows nothing, in place of everything."""
    page.open(fragment)
    assert problem in page.find("#unknown").text
    assert page.run(SHOWN) == []
    page.find("button[type=reset]").click()
    page.wait(lambda: len(page.run(SHOWN)) == 9)
    assert not page.find("#unknown").is_displayed()


def test_causes_come_first(page: Page) -> None:
    """The sentence, then why cases fail; a cause leads to its cases."""
    page.open()
    assert page.find(".sentence").text.startswith("1 of 6 behaviours hold, 3 fail, ")
    assert page.find("#causes").rect["y"] < page.find("#matrix").rect["y"]
    page.driver.find_element("partial link text", "record.properties.long missing").click()
    page.wait(lambda: page.run(SHOWN) == ["track/fails"])


def test_both_sides_are_beside_each_other(page: Page, tmp_path: Path) -> None:
    """Expected is left of actual, the places that differ are marked; the reason is there."""
    page.open("#track/fails")
    left, right = page.driver.find_elements("css selector", "#track\\/fails .side")
    assert left.rect["y"] == right.rect["y"]
    assert left.rect["x"] + left.rect["width"] <= right.rect["x"]
    assert sorted(mark.text.strip() for mark in left.find_elements("css selector", "mark")) == [
        f'"long": "{"x" * 80}"',
        '"time": 1,',
    ]
    assert sorted(mark.text.strip() for mark in right.find_elements("css selector", "mark")) == [
        '"more": 1',
        '"time": 2,',
    ]
    assert "people would be lost" in page.find("#track\\/fails dl").text
    page.open("#track/known")
    assert page.find("#track\\/known .reason").text == "ticket 12"


def test_narrow_windows_stack_them(page: Page) -> None:
    """On a phone nothing is cut off: the two sides come one below the other."""
    page.driver.set_window_size(500, 1000)
    try:
        page.open("#track/fails")
        left, right = page.driver.find_elements("css selector", "#track\\/fails .side")
        assert left.rect["y"] + left.rect["height"] <= right.rect["y"]
        width = "return document.documentElement.scrollWidth - innerWidth"
        assert page.run(width) <= 0
    finally:
        page.driver.set_window_size(1280, 1000)
