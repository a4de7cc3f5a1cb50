"""Headless Chromium on a page that this machine serves."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.clients.needs import node_package, program, python_client
from tests.thread_server import in_thread

PAGES = Path(__file__).parent / "browser"
BUNDLES = ("mixpanel.umd.js", "mixpanel-recorder.min.js")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class _Pages(SimpleHTTPRequestHandler):
    """The pages, and the bundles as their package has them."""

    def translate_path(self, path: str) -> str:
        name = path.lstrip("/")
        if name == "segment.js":
            return str(node_package("@segment/analytics-next") / "dist" / "umd" / "index.js")
        if name in BUNDLES:
            return str(node_package("mixpanel-browser") / "dist" / name)
        return super().translate_path(path)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the test reports what failed."""


@contextmanager
def site() -> Iterator[str]:
    """The base URL of the pages, served until the block ends."""
    node_package("mixpanel-browser")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Pages, directory=str(PAGES)))
    with in_thread(server) as url:
        yield url


@contextmanager
def chromium(profile: Path, https_port: int) -> Iterator[Any]:
    """A driver of Chromium with a profile folder of its own.

    Mixpanel's hosts are a port of this machine, as with an entry for each in /etc/hosts, and its
    certificate is taken. `*.example.com` is this machine too.
    """
    webdriver = python_client("selenium.webdriver")
    service = python_client("selenium.webdriver.chrome.service")
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium", "chromium-browser", "google-chrome")
    hosts = f"MAP *.mixpanel.com 127.0.0.1:{https_port}, MAP *.example.com 127.0.0.1"
    here = f"--host-resolver-rules={hosts}"
    for flag in (*FLAGS, f"--user-data-dir={profile}", here, "--ignore-certificate-errors"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(
        options=options, service=service.Service(program("chromedriver", "chromium.chromedriver"))
    )
    try:
        yield driver
    finally:
        driver.quit()


class Page:
    """A site in a browser, and what left it."""

    def __init__(self, driver: Any, base_url: str) -> None:
        self.driver, self.url = driver, base_url
        self._wait = python_client("selenium.webdriver.support.wait").WebDriverWait

    def open(self, name: str = "page.html") -> None:
        """Go to a page, which leaves the one before."""
        self.driver.get(f"{self.url}/{name}")

    def run(self, script: str, *given: Any) -> Any:
        """The value of a script."""
        return self.driver.execute_script(script, *given)

    def wait(self, true: Callable[[], bool]) -> None:
        """Wait until something is true of the page."""
        self._wait(self.driver, 20, poll_frequency=0.05).until(lambda _: true())

    def errors(self) -> list[str]:
        """The errors and warnings on the browser's console since the last call."""
        entries = self.driver.get_log("browser")
        return [each["message"] for each in entries if each["level"] in ("SEVERE", "WARNING")]

    def sent(self, endpoint: str, count: int = 0) -> list[dict[str, Any]]:
        """The records that left for an endpoint and were answered, once there are `count`."""
        self.wait(lambda: len(self._sent(endpoint)) >= count)
        return self._sent(endpoint)

    def _sent(self, endpoint: str) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        for request in json.loads(self.run("return localStorage.getItem('kept') || '[]'")):
            if request["path"].rstrip("/") == endpoint:
                [data] = parse_qs(request["body"], strict_parsing=True)["data"]
                text = data if data[0] in "[{" else base64.b64decode(data, validate=True)
                read = json.loads(text)
                records += read if isinstance(read, list) else [read]
        return records
