"""Our model of mixpanel-js against the genuine one: the same calls, request by request.

The calls that our reducer makes of a session are made on `mixpanel-browser` in Chromium. What then
leaves the page, in order, what the mock has recorded, and what the browser has stored must be what
the model predicted. Random ids and moments are masked in both.
"""

import base64
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from tests.clients.browser_run import chromium, site
from tests.clients.device_sessions import RELOAD, VISITS, Visit
from tests.clients.mixpanel import Project
from tests.clients.needs import node_package
from translator import Rules, Session, Settings
from translator.device.sdk import Browser, WireRequest
from translator.device.session import SessionStep

RULES = {"documented": Rules.documented(), "observed": Rules.observed()}

NEAR_SECONDS = 300
"""A moment as near as this to the test's is the test's."""

_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_SECONDS = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
_INSERT_ID = re.compile("[0-9a-z]{1,16}")


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory, secure_url: str) -> Iterator[Any]:
    """A browser in which Mixpanel's hosts are the mock."""
    port = urlsplit(secure_url).port
    assert port
    with chromium(tmp_path_factory.mktemp("profile"), port) as made:
        yield made


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    """The port of the site."""
    with site() as url:
        yield str(urlsplit(url).port)


@dataclass
class Masks:
    """Names for random values, in the order of their first appearance."""

    ids: dict[str, str] = field(default_factory=dict)

    def masked(self, value: Any, name: str = "") -> Any:
        """A copy with random ids and the test's own moments replaced."""
        if isinstance(value, dict):
            return {key: self.masked(item, key) for key, item in sorted(value.items())}
        if isinstance(value, list):
            return [self.masked(item) for item in value]
        if name == "time" and isinstance(value, int | float) and _is_now(value):
            return "<time>"
        if not isinstance(value, str):
            return value
        if name == "$insert_id" and _INSERT_ID.fullmatch(value):
            return "<insert_id>"
        if _SECONDS.fullmatch(value) and _is_now(_parsed(value)):
            return "<now>"
        return _UUID.sub(lambda found: self._named(found[0]), value)

    def _named(self, uuid: str) -> str:
        return self.ids.setdefault(uuid, f"<uuid:{len(self.ids) + 1}>")


def _is_now(seconds: float) -> bool:
    return abs(time.time() - seconds) < NEAR_SECONDS


def _parsed(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@dataclass
class Page:
    """The genuine client on a page."""

    driver: Any
    url: str
    visit: Visit

    def open(self) -> Browser:
        """Go to the page as the visit has it; what the page then knows."""
        command = self.driver.execute_cdp_cmd
        if self.visit.user_agent:
            agent = {"userAgent": self.visit.user_agent}
            command("Network.setUserAgentOverride", agent)
        width, height = self.visit.screen
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        screen = {"screenWidth": width, "screenHeight": height}
        command("Emulation.setDeviceMetricsOverride", {**metrics, **screen})
        referrer = {"referrer": self.visit.referrer, "referrerPolicy": "unsafeUrl"}
        self.driver.get("about:blank")
        command("Page.navigate", {"url": self.url, **(referrer if self.visit.referrer else {})})
        self.driver.execute_async_script("""
            const [done] = arguments;
            const look = () => window.mixpanel ? done() : setTimeout(look, 5);
            look();
        """)
        return Browser.from_json(self.driver.execute_script("return facts()"))

    def start(self, step: SessionStep) -> list[Any]:
        """Load the client with the start-up calls; the requests that left."""
        calls = [call.as_json() for call in step.result.calls or ()]
        config = self.visit.sdk_config
        self.driver.execute_script("start(arguments[0], arguments[1])", calls, config)
        return self._left(step, [])

    def make(self, step: SessionStep) -> list[Any]:
        """Make the calls of a message; the requests that left."""
        return self._left(step, [call.as_json() for call in step.result.calls or ()])

    def _left(self, step: SessionStep, calls: list[Any]) -> list[Any]:
        script = "step(arguments[0], arguments[1], arguments[2])"
        count = sum(len(request.records) for request in step.requests)
        self.driver.execute_async_script(script, calls, count)
        left: list[Any] = self.driver.execute_script("return requests.splice(0)")
        return left

    def stored(self) -> dict[str, Any]:
        """Cookies and localStorage of the client."""
        cookies = {
            each["name"]: (each["domain"], each["secure"], each["path"], each["value"])
            for each in self.driver.get_cookies()
            if each["name"].startswith("mp_")
        }
        local = self.driver.execute_script("return {...localStorage}")
        return {
            "cookies": {
                name: (domain, secure, path, json.loads(unquote(value)))
                for name, (domain, secure, path, value) in cookies.items()
            },
            "local": {key: json.loads(text) for key, text in local.items() if _is_of_client(key)},
        }


def _is_of_client(key: str) -> bool:
    return key.startswith("mp_") or key.endswith(("_ev", "_pp", "_gr"))


def predicted(request: WireRequest) -> dict[str, Any]:
    """A request of ours in the form of `left`."""
    return {
        "method": request.method,
        "url": f"https://{request.host}{request.path}",
        "query": {key: value for key, value in request.query.items() if key != "_"},
        "encoding": request.encoding,
        "data": request.data,
    }


def left(request: dict[str, Any]) -> dict[str, Any]:
    """A request that left the page, decoded."""
    url = urlsplit(request["url"])
    query = {key: value for key, [value] in parse_qs(url.query).items()}
    assert _is_now(int(query.pop("_")) / 1000)
    [text] = parse_qs(request["body"], keep_blank_values=True, strict_parsing=True)["data"]
    encoding = "json" if text[0] in "[{" else "base64"
    if encoding == "base64":
        text = base64.b64decode(text, validate=True).decode()
    return {
        "method": request["method"],
        "url": f"{url.scheme}://{url.netloc}{url.path}",
        "query": query,
        "encoding": encoding,
        "data": json.loads(text),
    }


def as_sets(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Requests in which the order and size of batches does not count: each record by itself."""
    return sorted(
        (
            {**request, "data": record, "batch": isinstance(request["data"], list)}
            for request in requests
            for record in _listed(request["data"])
        ),
        key=lambda item: json.dumps(item, sort_keys=True),
    )


def _listed(data: Any) -> list[Any]:
    return data if isinstance(data, list) else [data]


def in_journal(project: Project) -> list[dict[str, Any]]:
    """What the mock has recorded, each record by itself."""
    return sorted(
        (
            {
                "method": request["method"],
                "url": f"https://{request['headers']['Host']}{request['path']}",
                "query": {key: text for key, text in request["query"].items() if key != "_"},
                "type": request["headers"]["Content-Type"],
                "record": Masks().masked(record),
            }
            for request in project.journal_of_all()
            if request["method"] == "POST"
            for record in request["payload"]
        ),
        key=lambda item: json.dumps(item, sort_keys=True),
    )


@pytest.mark.parametrize("visit", [pytest.param(each, id=each.id) for each in VISITS])
def test_same_requests(visit: Visit, driver: Any, pages: str, secure_project: Project) -> None:
    """The genuine client sends and stores exactly what the model says, and the mock records it."""
    play(visit, driver, pages, secure_project)


@pytest.mark.parametrize(
    ("visit", "part", "broken"),
    [
        ("long-texts", "values.MAX_UNITS", 254),
        ("cookie-too-large", "storage.COOKIE_BYTES", 1_000_000),
        ("campaign", "browser.CLICK_IDS", ()),
        ("set-cancels-add", "people._forget", lambda *given: None),
        ("sign-up", "client.DEVICE_PREFIX", "device:"),
        ("groups", "client.GROUP_RESERVED", ("a",)),
    ],
)
def test_a_wrong_model_is_found_out(
    visit: str,
    part: str,
    broken: Any,
    driver: Any,
    pages: str,
    secure_project: Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A model that is broken on purpose does not predict what the genuine client does."""
    [chosen] = [each for each in VISITS if each.id == visit]
    monkeypatch.setattr(f"translator.device.sdk.{part}", broken)
    with pytest.raises(AssertionError):
        play(chosen, driver, pages, secure_project)


def play(visit: Visit, driver: Any, pages: str, secure_project: Project) -> None:
    """Make the same visit with the genuine client and with the model, and compare."""
    secure_project.forget_all()
    secure_project.create()
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    name = quote(visit.id, safe="")
    page = Page(driver, f"http://{visit.host}:{pages}/device.html{visit.query}#{name}", visit)
    browser = page.open()
    driver.execute_script("localStorage.clear()")
    ours = Session(
        settings=Settings.from_json({"token": secure_project.token, **visit.settings}),
        rules=RULES[visit.rules],
        clock=lambda: int(time.time() * 1000),
        browser=browser,
        sdk_config=visit.sdk_config,
        lib_version=json.loads((node_package("mixpanel-browser") / "package.json").read_text())[
            "version"
        ],
    )
    our_masks, their_masks = Masks(), Masks()
    all_ours: list[WireRequest] = []

    def compare(step: SessionStep, requests: list[Any]) -> None:
        all_ours.extend(step.requests)
        expected = [our_masks.masked(predicted(request)) for request in step.requests]
        actual = [their_masks.masked(left(request)) for request in requests]
        if visit.sdk_config["batch_requests"]:
            expected, actual = as_sets(expected), as_sets(actual)
        assert actual == expected

    step = ours.start()
    compare(step, page.start(step))
    for message in visit.messages:
        if message == RELOAD:
            assert browser == page.open()
            step = ours.start()
            compare(step, page.start(step))
        else:
            step = ours.deliver(message)
            compare(step, page.make(step))

    storage = ours.storage
    kept = {
        "cookies": {
            cookie.name: (cookie.domain, cookie.secure, cookie.path, json.loads(cookie.value))
            for cookie in storage.cookies.values()
        },
        "local": {key: json.loads(text) for key, text in storage.local.items()},
    }
    assert our_masks.masked(_lists(kept)) == their_masks.masked(_lists(page.stored()))
    recorded = in_journal(secure_project)
    assert recorded == sorted(
        (
            {
                "method": "POST",
                "url": f"https://{request.host}{request.path}",
                "query": {key: text for key, text in request.query.items() if key != "_"},
                "type": "application/x-www-form-urlencoded",
                "record": Masks().masked(record),
            }
            for request in all_ours
            for record in request.records
        ),
        key=lambda item: json.dumps(item, sort_keys=True),
    )


def _lists(value: Any) -> Any:
    """A copy with tuples as lists."""
    return json.loads(json.dumps(value))


def test_there_are_enough_sessions() -> None:
    """At least forty sessions, none of them under the name of another."""
    assert len(VISITS) == len({visit.id for visit in VISITS}) >= 40
