"""A page of the inspector in headless Chromium."""

from collections.abc import Callable
from typing import Any

from tests.clients.needs import python_client


class Page:
    """A tab that shows pages of a mock; `url` is the base URL of the pages."""

    def __init__(self, driver: Any, mock_url: str) -> None:
        self.driver, self.url = driver, f"{mock_url}/_mock/ui/"
        self._wait = python_client("selenium.webdriver.support.wait").WebDriverWait
        self.keys = python_client("selenium.webdriver.common.keys").Keys

    def open(self, page: str = "") -> None:
        self.driver.get(self.url + page)

    def run(self, script: str, *given: Any) -> Any:
        return self.driver.execute_script(script, *given)

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        """The visible text of all elements."""
        script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText)"
        found: list[str] = self.run(script, selector)
        return found

    def rows(self) -> list[str]:
        """The first cell of each row, the first row first."""
        return self.texts("main tbody tr > :first-child")

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def live(self) -> str:
        """The text with which the page shows its own state."""
        [text] = self.texts("#live")
        return text

    def path(self) -> str:
        """The address below `/_mock/ui/`."""
        return str(self.driver.current_url).partition("/_mock/ui/")[2]

    def wait(self, true: Callable[[], Any]) -> None:
        """Wait until something is true of the page."""
        errors = python_client("selenium.common.exceptions")
        self._wait(
            self.driver,
            40,
            poll_frequency=0.1,
            ignored_exceptions=[errors.WebDriverException, ValueError],
        ).until(lambda _: true())

    def errors(self) -> list[str]:
        """Errors and warnings on the console since the last call, those of the policy included."""
        entries = self.driver.get_log("browser")
        return [each["message"] for each in entries if each["level"] in ("SEVERE", "WARNING")]
