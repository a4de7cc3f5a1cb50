"""The pages in headless Chromium, as a person uses them."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mock_mixpanel import Server
from mock_mixpanel.client import MockMixpanel
from tests.clients.browser_run import chromium
from tests.mock_mixpanel.inspector.browser import Page
from tests.mock_mixpanel.inspector.samples import fill, gateway_messages, pages
from tests.mock_mixpanel.wire import event, http, send

SCRIPT_ERROR = "/_mock/changes"
"""Part of the console's message about a call that the stopped mock did not answer."""
REFUSED = "net::ERR_CONNECTION_REFUSED"
"""Part of the message about a file, such as the icon, that the stopped mock did not answer."""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile"), https_port=0) as made:
        made.set_window_size(1280, 900)
        made.set_script_timeout(30)
        yield made


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(eu_port=0, messages=gateway_messages()) as made:
        yield made


@pytest.fixture
def mock(server: Server) -> Iterator[MockMixpanel]:
    made = MockMixpanel(server.url, "T", eu_url=server.eu_url or "")
    yield made
    made.close()


@pytest.fixture
def page(driver: Any, server: Server) -> Iterator[Page]:
    """A tab; the console must stay free of errors."""
    made = Page(driver, server.url)
    driver.get_log("browser")
    yield made
    driver.get("about:blank")
    assert made.errors() == []


def test_row_appears(page: Page, mock: MockMixpanel) -> None:
    """A request that arrives while the page is open appears on it, and in the counts."""
    page.open("requests")
    assert "Waiting for events" in page.texts("main")[0]
    page.wait(lambda: page.live() == "Live")
    send(mock, "/track", event(mock))
    page.wait(lambda: page.rows() == ["1"])
    send(mock, "/track", event(mock, "Old", time=1))
    page.wait(lambda: page.rows() == ["2", "1"])
    assert page.find("nav .count").text == "1"


def test_pause_and_resume(page: Page, mock: MockMixpanel) -> None:
    """A paused page stays as it is and counts what is new; resumed, it shows that."""
    send(mock, "/track", event(mock))
    page.open("requests")
    page.wait(lambda: page.live() == "Live")
    page.press("p")
    assert page.live() == "Paused"
    send(mock, "/track", event(mock))
    page.wait(lambda: page.live() == "Paused, 1 new")
    assert page.rows() == ["1"]
    page.find("#pause").click()
    page.wait(lambda: page.rows() == ["2", "1"])
    assert page.find("#pause").text == "Pause"


def test_new_rows_do_not_disturb(page: Page, mock: MockMixpanel) -> None:
    """While a text is selected the page stays as it is; `f` shows what is new."""
    send(mock, "/track", event(mock))
    page.open("requests")
    page.wait(lambda: page.live() == "Live")
    page.run("getSelection().selectAllChildren(document.querySelector('h1'))")
    send(mock, "/track", event(mock))
    page.wait(lambda: page.live() == "Live, 1 new: press f to show")
    assert page.rows() == ["1"]
    page.press("f")
    page.wait(lambda: page.rows() == ["2", "1"])


def test_back_and_forward(page: Page, mock: MockMixpanel) -> None:
    """The address contains the search and the opened row, and back and forward return to them."""
    fill(mock)
    page.open("requests?token=T")
    page.find("#filter").send_keys("verdict:rejected", page.keys.ENTER)
    page.wait(lambda: "q=verdict%3Arejected" in page.path())
    page.wait(lambda: page.rows() != [])
    searched, rows = page.path(), page.rows()
    page.find("main tbody a").click()
    page.wait(lambda: page.path().startswith("requests/"))
    page.driver.back()
    page.wait(lambda: (page.path(), page.rows()) == (searched, rows))
    page.driver.forward()
    page.wait(lambda: page.path().startswith("requests/"))


def test_keyboard_alone(page: Page, mock: MockMixpanel) -> None:
    """A person without a mouse goes from the overview to a rejected record, its source and back."""
    fill(mock)
    keys = page.keys
    page.open()
    page.wait(lambda: page.live() == "Live")
    page.press("g", "r")
    page.wait(lambda: page.path() == "requests")
    page.wait(lambda: page.live() == "Live")
    page.press("/")
    page.press("verdict:rejected", keys.ENTER)
    page.wait(lambda: "verdict" in page.path() and page.live() == "Live")
    page.press("j", "j", "k", "j")
    focused = "return document.activeElement.innerText"
    second = page.rows()[1]
    assert page.run(focused) == second
    page.press(keys.ENTER)
    page.wait(lambda: page.path().startswith(f"requests/{second}"))
    page.wait(lambda: page.live() != "")
    page.press(keys.ESCAPE)
    page.wait(lambda: page.path().startswith("requests?") and page.run(focused) == second)
    page.press("?")
    assert page.find("#help").is_displayed()
    page.press(keys.ESCAPE)
    page.wait(lambda: not page.find("#help").is_displayed())
    page.press("g", "p")
    page.wait(lambda: page.path() == "people")
    page.wait(lambda: page.live() == "Live")
    page.press("j", keys.ENTER)
    page.wait(lambda: page.path().startswith("person?"))


def test_arrows_scroll_and_modifiers_are_left_alone(page: Page, mock: MockMixpanel) -> None:
    """Keys with Ctrl do nothing of their own, and keys in a field are text."""
    fill(mock)
    page.open("requests")
    page.wait(lambda: page.live() == "Live")
    page.press(page.keys.CONTROL + "p" + page.keys.NULL)
    assert page.live() == "Live"
    page.find("#filter").send_keys("pgr?")
    assert page.run("return document.getElementById('filter').value") == "pgr?"
    assert page.path() == "requests"


def test_ten_tabs(page: Page, mock: MockMixpanel, server: Server) -> None:
    """Ten tabs do not keep an SDK in another page from sending; the visible tab is live."""
    driver, first = page.driver, page.driver.current_window_handle
    try:
        for _ in range(10):
            driver.switch_to.new_window("tab")
            page.open("requests")
        body = [event(mock, "From a page")]
        answer = driver.execute_async_script(
            "const [url, body, done] = arguments;"
            "fetch(url, {method: 'POST', body: JSON.stringify(body)})"
            ".then((answer) => done(answer.status), () => done('blocked'));",
            f"{server.url}/track",
            body,
        )
        assert answer == 200
        page.wait(lambda: page.rows() == ["1"])
    finally:
        for handle in driver.window_handles:
            if handle != first:
                driver.switch_to.window(handle)
                driver.close()
        driver.switch_to.window(first)


def test_restart(driver: Any) -> None:
    """While the mock is stopped the page says since when; after its start the page goes on."""
    page = Page(driver, "")
    with Server() as server:
        port = int(server.url.rpartition(":")[2])
        page.url = f"{server.url}/_mock/ui/"
        page.open("requests")
        page.wait(lambda: page.live() == "Live")
    page.wait(lambda: page.live().startswith("Mock not answering since "))
    with Server(port=port) as server:
        page.wait(lambda: page.live() == "Live")
        mock = MockMixpanel(server.url, "T")
        send(mock, "/track", event(mock))
        page.wait(lambda: page.rows() == ["1"])
        mock.close()
        driver.get("about:blank")
    left = [each for each in page.errors() if REFUSED not in each and SCRIPT_ERROR not in each]
    assert left == []


def test_polling_takes_over(page: Page, mock: MockMixpanel, server: Server) -> None:
    """Where the long poll cannot wait, because too many others do, the page polls."""
    server.backend.changes._enter = lambda: False  # type: ignore[method-assign]
    page.open("requests")
    page.wait(lambda: page.live() == "Live")
    send(mock, "/track", event(mock))
    page.wait(lambda: page.rows() == ["1"])


def test_burst(page: Page, mock: MockMixpanel) -> None:
    """After 10,000 requests the page shows the newest ones, and only a page of them."""
    page.open("requests")
    page.wait(lambda: page.live() == "Live")

    def burst() -> None:
        session = mock._session
        for _ in range(2500):
            session.post(f"{mock.url}/track", json=[event(mock)], timeout=30)

    threads = [threading.Thread(target=burst) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    page.wait(lambda: page.rows()[:1] == ["10000"])
    assert len(page.rows()) == 50
    assert page.live() == "Live"


def test_every_page_is_quiet(page: Page, mock: MockMixpanel) -> None:
    """No page has an error on the console or breaks its own policy; no page loads anything else."""
    project = fill(mock)
    script = "return performance.getEntriesByType('resource').map((each) => each.name)"
    for name, address in pages(project).items():
        page.open(address)
        foreign = [each for each in page.run(script) if not each.startswith(mock.url)]
        assert (name, foreign) == (name, [])
        expected = ["404"] if name == "not found" else []
        said = page.errors()
        assert (name, len(said)) == (name, len(expected)), said


def test_theme_is_kept(page: Page) -> None:
    """The chosen theme stays on the next page."""
    dark = "return getComputedStyle(document.body).backgroundColor"
    page.open()
    page.wait(lambda: page.find("#theme").is_displayed())
    before = page.run(dark)
    page.find("#theme").click()
    after = page.run(dark)
    assert before != after
    page.open("requests")
    assert page.run(dark) == after
    page.run("localStorage.clear()")


def test_copy(page: Page, mock: MockMixpanel) -> None:
    """`c` copies the request as curl, or selects the text where a page may not copy."""
    send(mock, "/track", event(mock))
    page.open("requests/1")
    page.wait(lambda: page.live() != "")
    page.press("c")
    said = "[data-copy='copy-1']"
    page.wait(lambda: page.texts(said)[0] in ("Copied", "Selected: press Ctrl+C"))
    assert page.find("#copy-1").text.startswith("curl -X POST")


def test_clock_from_the_page(page: Page, mock: MockMixpanel) -> None:
    """A pending alias is put into effect by the button beside it."""
    fill(mock)
    page.open("identity?token=T")
    page.wait(lambda: page.live() == "Live")
    before = http("GET", f"{mock.url}/_mock/clock").json()["now"]
    [button] = [
        each
        for each in page.driver.find_elements("css selector", "main button")
        if each.text == "Advance to this time"
    ]
    button.click()
    page.wait(lambda: "clock" in page.path() and "done=1" in page.path())
    assert mock.now() > before
    assert mock.identities()["pending_aliases"] == []
