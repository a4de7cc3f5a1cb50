"""The package `mixpanel-browser` in headless Chromium."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.clients.browser_run import Page, chromium, site
from tests.clients.mixpanel import Project, sent

LATER_MS = 3_600_000
"""A flush interval that is not reached: what is sent then was sent for another reason."""

BATCHED = {"batch_requests": True, "batch_flush_interval_ms": 50}
UNBATCHED = {"batch_requests": False}
LEFT_OVER = {"batch_requests": True, "batch_flush_interval_ms": LATER_MS}

STORED = {
    "localStorage": "return localStorage.getItem(arguments[0])",
    "cookie": """
        const found = document.cookie.split('; ').find((each) => each.startsWith(arguments[0]));
        return found ? decodeURIComponent(found.slice(arguments[0].length + 1)) : null;
    """,
}
"""Where the client keeps who the visitor is."""

RECORDED = """
    const opened = indexedDB.open('mixpanelBrowserDb');
    opened.onsuccess = () => {
        const name = 'mixpanelRecordingEvents';
        const counted = opened.result.transaction(name).objectStore(name).count();
        counted.onsuccess = () => { opened.result.close(); arguments[0](counted.result); };
    };
"""
"""How many pieces of a replay the client has stored and not sent."""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory, secure_url: str) -> Iterator[Any]:
    """One browser for this module; each test has a site, and so storage, of its own."""
    port = urlsplit(secure_url).port
    assert port
    with chromium(tmp_path_factory.mktemp("profile"), port) as made:
        yield made


@pytest.fixture
def page(driver: Any) -> Iterator[Page]:
    """A site with the client on its page; its console must stay free of errors."""
    with site() as base_url:
        found = Page(driver, base_url)
        found.open()
        yield found
        errors = found.errors()
        driver.get("about:blank")
    assert errors == []


def start(page: Page, project: Project, **config: Any) -> None:
    """Start the client with another host, as its documentation has it."""
    given = {"api_host": project.url, **config}
    page.run("mixpanel.init(arguments[0], arguments[1])", project.token, given)


def as_exported(records: list[dict[str, Any]], **added: Any) -> list[dict[str, Any]]:
    """What left the page as the export shows it, by time and name."""
    found = []
    for record in records:
        properties = {name: each for name, each in record["properties"].items() if name != "token"}
        time_ms = round(properties.pop("time") * 1000)
        found.append(sent(record["event"], time_ms, **properties, **added))
    return sorted(found, key=lambda line: (line["properties"]["time"], line["event"]))


@pytest.mark.parametrize("persistence", ["localStorage", "cookie"])
@pytest.mark.parametrize("sending", [BATCHED, UNBATCHED], ids=["batched", "unbatched"])
def test_visit(page: Page, project: Project, sending: dict[str, Any], persistence: str) -> None:
    """A visitor who signs up: all events and profiles arrive as they left the page."""
    project.create(identity="simplified")
    start(page, project, persistence=persistence, **sending)
    page.run("""
        mixpanel.register({plan: 'frée ✓'});
        mixpanel.track('Opened', {tags: ['a', 1], nested: {deep: [true, null]}, price: 12.5});
    """)
    assert [event["event"] for event in project.events(1)] == ["Opened"]
    page.run("""
        mixpanel.identify('ann');
        mixpanel.people.set({$name: 'Ann', plan: 'pro'});
        mixpanel.people.set_once({first: 'search'});
        mixpanel.people.increment('visits', 2);
        mixpanel.people.append({seen: 'a'});
        mixpanel.people.union({tags: ['x', 'y']});
        mixpanel.set_group('company', 'acme');
        mixpanel.get_group('company', 'acme').set({size: 3});
        mixpanel.track('Signed Up', {'a&b=c+d%': 'x&y=z +%20'});
    """)

    counts = {"/track": 3, "/engage": 7, "/groups": 1}
    page.wait(lambda: counts == {path: len(page.sent(path)) for path in counts})

    left = page.sent("/track")
    assert {each["event"] for each in left} == {"Opened", "$identify", "Signed Up"}
    by_name = {each["event"]: each["properties"] for each in left}
    device = by_name["Opened"]["$device_id"]
    assert by_name["Opened"]["distinct_id"] == f"$device:{device}"
    opened = {"tags": ["a", 1], "nested": {"deep": [True, None]}, "price": 12.5, "plan": "frée ✓"}
    assert opened.items() <= by_name["Opened"].items()
    signed_up = {"a&b=c+d%": "x&y=z +%20", "company": ["acme"], "$user_id": "ann"}
    assert signed_up.items() <= by_name["Signed Up"].items()

    # Under simplified merge the device's events are the user's once it has identified itself.
    expected = as_exported(left)
    for line in expected:
        if line["event"] == "Opened":
            line["properties"] |= {
                "distinct_id": "ann",
                "$distinct_id_before_identity": f"$device:{device}",
                "$preshuffle_distinct_id": f"$device:{device}",
                "$is_reshuffled": True,
            }
    assert project.events() == expected
    browser = {name: by_name["Opened"][name] for name in ("$os", "$browser", "$browser_version")}
    assert project.people() == {
        "ann": {
            "$name": "Ann",
            "plan": "pro",
            "first": "search",
            "visits": 2,
            "seen": ["a"],
            "tags": ["x", "y"],
            "company": ["acme"],
            "$initial_referrer": "$direct",
            "$initial_referring_domain": "$direct",
            **browser,
        }
    }
    assert project.groups("company") == {"acme": {"size": 3}}
    # Its device and its user make the event link under this system as well.
    assert project.undelivered() == []

    place = f"mp_{project.token}_mixpanel"
    kept = page.run(STORED[persistence], place)
    other = page.run(STORED["cookie" if persistence == "localStorage" else "localStorage"], place)
    assert ('"distinct_id":"ann"' in kept.replace(" ", ""), other) == (True, None)


@pytest.mark.parametrize("persistence", ["localStorage", "cookie"])
def test_return(page: Page, project: Project, persistence: str) -> None:
    """Who comes back is known: the next page's events carry the id and the super properties."""
    options = {"persistence": persistence, **BATCHED}
    start(page, project, **options)
    page.run("mixpanel.identify('ann'); mixpanel.register({plan: 'pro'})")
    assert len(project.events(1)) == 1

    page.open()
    start(page, project, **options)
    page.run("mixpanel.track('Came Back')")

    events = project.events(2)
    assert as_exported(page.sent("/track", 2)) == events
    came_back = events[1]["properties"]
    assert (came_back["distinct_id"], came_back["plan"]) == ("ann", "pro")


@pytest.mark.parametrize("sending", [LEFT_OVER, UNBATCHED], ids=["batched", "unbatched"])
def test_beacon(page: Page, project: Project, sending: dict[str, Any]) -> None:
    """An event sent with sendBeacon while the page goes away arrives."""
    start(page, project, **sending)
    page.run("""
        addEventListener('pagehide', () => {
            mixpanel.track('Left', {seconds: 35}, {transport: 'sendBeacon'});
        });
    """)
    page.open("empty.html")

    events = project.events(1)
    assert as_exported(page.sent("/track", 1)) == events
    assert [(each["event"], each["properties"]["seconds"]) for each in events] == [("Left", 35)]
    [request] = project.journal()
    assert (request["method"], request["path"]) == ("POST", "/track/")
    assert request["headers"]["Content-Type"] == "text/plain;charset=UTF-8"


def test_batch_on_unload(page: Page, project: Project) -> None:
    """A batch that waits is sent by sendBeacon when the page goes away, and again on the next one.

    The client cannot know whether a beacon arrived. The raw export shows both; for everybody else
    they are one event.
    """
    start(page, project, **LEFT_OVER)
    page.run("mixpanel.track('Waits', {number: 1}); mixpanel.track('Waits', {number: 2})")
    waiting = f"return JSON.parse(localStorage.getItem('__mpq_{project.token}_ev') || '[]').length"
    page.wait(lambda: page.run(waiting) == 2)
    page.open("empty.html")

    events = project.events(2)
    once = as_exported(page.sent("/track", 2))
    assert once == events
    assert {each["properties"]["number"] for each in events} == {1, 2}

    page.open()
    start(page, project, **BATCHED)
    assert len(project.events(4)) == 4
    assert as_exported(page.sent("/track", 4)) == project.events()
    assert len(project.distinct()) == 2


@pytest.mark.parametrize("format", ["base64", "json"])
def test_payload_format(page: Page, project: Project, format: str) -> None:
    """Both forms in which the client writes its payload arrive."""
    start(page, project, api_payload_format=format, **UNBATCHED)
    page.run("mixpanel.track('Opened', {text: 'ÿ?>~ & + % ✓', more: '\\u2028\"\\\\'})")
    assert as_exported(page.sent("/track", 1)) == project.events(1)


@pytest.mark.parametrize("format", ["base64", "json"])
def test_emoji(page: Page, project: Project, format: str) -> None:
    """A character outside of the basic plane arrives; in base64 the client sends it in halves."""
    start(page, project, api_payload_format=format, **UNBATCHED)
    page.run("""
        mixpanel.track('Rated \U0001f333', {'\U0001f333': 1});
        mixpanel.identify('ann');
        mixpanel.people.set({plan: 'pro', tree: '\U0001f333'});
    """)
    event = next(each for each in project.events(2) if each["event"] != "$identify")
    assert (event["event"], event["properties"]["\U0001f333"]) == ("Rated \U0001f333", 1)
    person = project.people(1)["ann"]
    assert (person["plan"], person["tree"]) == ("pro", "\U0001f333")


def test_callback(page: Page, project: Project) -> None:
    """Answers reach the page that asked, from another origin and with credentials."""
    start(page, project, verbose=True, **UNBATCHED)
    answer = page.driver.execute_async_script("mixpanel.track('Opened', {}, arguments[0])")
    assert answer == {"status": 1, "error": None}


def test_get(page: Page, project: Project) -> None:
    """Events in the query of a GET arrive."""
    start(page, project, api_method="GET", **UNBATCHED)
    page.run("mixpanel.track('Opened', {text: 'ÿ?>~ & + % ✓'})")
    [event] = project.events(1)
    assert event["properties"]["text"] == "ÿ?>~ & + % ✓"
    assert project.undelivered() == []


@pytest.mark.parametrize("mode", ["fallback", "strict"])
def test_settings_and_flags(page: Page, project: Project, mode: str) -> None:
    """The requests of the client at its start are answered, after a preflight."""
    start(page, project, flags=True, remote_settings_mode=mode, **UNBATCHED)
    script = "mixpanel.flags.get_variant_value('any', 'fallback').then(arguments[0])"
    assert page.driver.execute_async_script(script) == "fallback"
    assert project.asked(page.url) == {("GET", "/flags/"), ("GET", "/settings/")}


@pytest.mark.parametrize("sending", [BATCHED, UNBATCHED], ids=["batched", "unbatched"])
def test_own_host(page: Page, secure_project: Project, sending: dict[str, Any]) -> None:
    """Without another host everything goes to Mixpanel's own over https, as JSON, and arrives."""
    page.run("mixpanel.init(arguments[0], arguments[1])", secure_project.token, sending)
    page.run("""
        mixpanel.track('Opened', {text: 'ÿ?>~ & + % ✓'});
        mixpanel.identify('ann');
        mixpanel.people.set({plan: 'pro'});
    """)
    counts = {"/track": 2, "/engage": 2}
    page.wait(lambda: counts == {path: len(page.sent(path)) for path in counts})

    assert as_exported(page.sent("/track", 2)) == secure_project.events(2)
    assert secure_project.people(1)["ann"]["plan"] == "pro"
    hosts = {request["headers"]["Host"] for request in secure_project.journal()}
    assert hosts == {"api-js.mixpanel.com"}


def test_replay(page: Page, project: Project) -> None:
    """A replay of a visit is recorded and sent, after a preflight, without an error."""
    recorder = f"{page.url}/mixpanel-recorder.min.js"
    start(page, project, record_sessions_percent=100, recorder_src=recorder, **UNBATCHED)
    page.wait(lambda: page.run("return mixpanel.recorderManager.isRecording()"))
    page.driver.find_element("css selector", "html").click()
    page.wait(lambda: page.driver.execute_async_script(RECORDED) > 0)
    page.run("mixpanel.stop_session_recording()")
    page.wait(lambda: ("POST", "/record/") in project.asked(page.url))
