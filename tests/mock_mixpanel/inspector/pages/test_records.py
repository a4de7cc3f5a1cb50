"""The pages about requests and records: complete without JavaScript, and safe."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from flask.testing import FlaskClient

from mock_mixpanel.app import create_app
from mock_mixpanel.inspector.pages.records import overview
from mock_mixpanel.inspector.reasons import explain, explanations
from tests.mock_mixpanel.wire import NOW

PAGES = ["", "requests", "requests/1", "events", "events?raw=1", "events/1", "rejected"]
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}"


def event(name: str = "Signed Up", **properties: Any) -> dict[str, Any]:
    return {"event": name, "properties": {"token": "T", "distinct_id": "ann", **properties}}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A mock with a good, a rejected and a duplicate event; its pages search for a long time."""
    monkeypatch.setattr("mock_mixpanel.inspector.site.LOOKING_SECONDS", 60)
    made = create_app().test_client()
    made.post("/_mock/clock", json={"now": NOW, "freeze": True})
    good = event(plan="pro", **{"$insert_id": "a"})
    made.post("/track", json=[good, event("Old", time=1)])
    made.post("/track", json=[good])
    return made


def shown(client: FlaskClient, page: str, status: int = 200) -> str:
    answer = client.get(f"/_mock/ui/{page}")
    assert answer.status_code == status
    return answer.get_data(as_text=True)


class Text(HTMLParser):
    """The visible text of a page, and its tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


NEED_AN_ID = ("person", "group", "source")
EVERY_PAGE = [
    *("", "requests", "requests/1", "events", "events/1", "rejected", "source", "saved", "people"),
    *("person", "groups", "group", "identity", "clock", "faults", "leaks", "project"),
]


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_unknown_names_in_the_query(client: FlaskClient, page: str) -> None:
    """A page refuses a name that it does not read, and says which it reads: a misspelled filter
    would show everything."""
    text = Text(shown(client, f"{page}?tokn=T", 400)).text
    assert "tokn: this page does not have this name in its query; known: " in text
    assert "token, region" in text


def test_names_that_a_page_reads(client: FlaskClient) -> None:
    """The error names the filters of this page."""
    html = shown(client, "requests?sarch=x", 400)
    assert "known: q, before, token, region" in html


def test_every_page_is_tried(client: FlaskClient) -> None:
    """The list above has every page, except those of a gateway."""
    rules = [
        rule.rule.removeprefix("/_mock/ui/")
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith("/_mock/ui/") and "GET" in (rule.methods or ())
    ]
    found = {re.sub("<int.*>", "1", path) for path in rules} - {"static/<name>"}
    assert found == set(EVERY_PAGE)


def test_links_lead_to_pages(client: FlaskClient) -> None:
    """Every link of every page leads to a page that can be shown."""
    client.post("/track", json=[event("Old", time=1, distinct_id="carl")])
    client.post("/_mock/faults", json={"match": {"nth": 99}, "action": {"status": 503}})
    seen: set[str] = set()
    waiting = [f"/_mock/ui/{page}" for page in EVERY_PAGE if page not in NEED_AN_ID]
    while waiting:
        address = waiting.pop()
        if address in seen or len(seen) > 300:
            continue
        seen.add(address)
        answer = client.get(address)
        assert (address, answer.status_code) == (address, 200)
        if address.startswith("/_mock/ui/"):
            links = re.findall(r'href="([^"#]*)', answer.get_data(as_text=True))
            waiting += [unescape(link) for link in links if link.startswith("/")]
    assert len(seen) > 30


def test_overview_says_what_went_wrong(client: FlaskClient) -> None:
    """The overview begins with one sentence and the problems by reason."""
    text = Text(shown(client, "")).text
    assert "3 records in 2 requests. 1 record was rejected or has a note." in text
    assert "1 record time: older than 5 days" in text


@pytest.mark.parametrize(
    ("noted", "splits", "expected"),
    [
        (0, None, "Nothing went wrong."),
        (2, None, "2 records were rejected or have a note."),
        (0, "1 split profile", "There is 1 split profile."),
        (0, "2 split profiles", "There are 2 split profiles."),
        (
            1,
            "2 split profiles",
            "1 record was rejected or has a note, and there are 2 split profiles.",
        ),
    ],
)
def test_overview_is_made_of_sentences(noted: int, splits: str | None, expected: str) -> None:
    """Each sentence of the overview begins with a capital letter or a number."""
    totals = {"records": 3, "requests": 2, "noted": noted}
    assert overview(totals, splits) == f"3 records in 2 requests. {expected}"


@pytest.mark.parametrize("path", ["/", "/_mock", "/_mock/"])
def test_browser_is_led_to_the_pages(client: FlaskClient, path: str) -> None:
    """A browser at the base URL is led to the pages; a program gets what it always got."""
    before = client.get("/_mock/requests").json
    answer = client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/_mock/ui/")
    assert client.get("/_mock/requests").json == before
    for accept in ("*/*", "application/json"):
        status = client.get(path, headers={"Accept": accept}).status_code
        assert status == (501 if path == "/" else 404)


def test_empty_overview_shows_a_first_call() -> None:
    """Without data the page shows a call to copy, for its own address."""
    text = Text(shown(create_app().test_client(), "")).text
    assert "Waiting for events" in text
    assert "curl http://localhost/track --json" in text


def test_request_shows_each_record(client: FlaskClient) -> None:
    """A request shows the verdict, reason, source and fate of each of its records."""
    text = Text(shown(client, "requests/1")).text
    assert "✕ rejected" in text
    assert "time: older than 5 days" in text
    assert "Source: docs/facts/mixpanel-http-api.md#track" in text
    assert "= replaced as a duplicate" in text


def test_event_shows_what_became_of_it(client: FlaskClient) -> None:
    """A duplicate names the record that replaced it, with a link."""
    html = shown(client, "events/1")
    assert 'href="/_mock/ui/events/3">record 3</a>' in html


def test_rejected_groups_by_reason(client: FlaskClient) -> None:
    """Reasons are grouped with count, first, last and example, and lead to their records."""
    html = shown(client, "rejected")
    link = "/_mock/ui/rejected?reason=time%3A+older+than+5+days"
    assert f'href="{link}"' in html
    assert "Records with this reason" in client.get(link).get_data(as_text=True)


def test_search_of_requests(client: FlaskClient) -> None:
    """The search finds records, and says how far it looked."""
    text = Text(shown(client, "requests?q=verdict:rejected")).text
    assert "Searched all 2 requests." in text
    assert "2 records, 1 rejected" in text
    assert "POST /track" not in Text(shown(client, "requests?q=event:Nobody")).text


def test_wrong_search_is_explained(client: FlaskClient) -> None:
    """A search that cannot be read is explained on the page, which shows everything."""
    text = Text(shown(client, "requests?q=evnt:Signed*")).text
    assert "did you mean 'event'?" in text
    assert "2 records" in text


def test_wrong_search_of_events_counts_characters_of_the_visitor(client: FlaskClient) -> None:
    """The place of the error is one in the text that the visitor wrote."""
    text = Text(shown(client, "events?q=plan evnt:Signed*")).text
    assert "q: character 6: there is no field 'evnt'" in text


@pytest.mark.parametrize("page", ["requests/99", "events/99"])
def test_nothing_there(client: FlaskClient, page: str) -> None:
    """An id that does not exist is a page with status 404, which does not reload itself."""
    html = shown(client, page, 404)
    assert "This page cannot be shown" in html
    assert 'data-page="error"' in html


def test_overview_of_all_projects_counts_records_without_a_project(client: FlaskClient) -> None:
    """Records without a token, and those beside records of another project, are counted."""
    other = event("Other")
    other["properties"]["token"] = "other"
    client.post("/track", json=[other, {"event": "Nobody's", "properties": {}}])
    text = Text(shown(client, "")).text
    assert "5 records in 3 requests. 2 records were rejected or have a note." in text
    assert "Rejected 2" in text


def test_project_and_region_stay_in_links(client: FlaskClient) -> None:
    """Links of a page about one project lead to pages about the same project."""
    html = shown(client, "?token=T&region=us")
    assert 'href="/_mock/ui/events?token=T&amp;region=us"' in html
    assert Text(shown(client, "events?token=other")).text.count("Signed Up") == 0


@pytest.mark.parametrize("page", PAGES)
def test_hostile_values_are_text(page: str) -> None:
    """A page has the same elements whether its values are harmless or hostile."""
    pages = []
    for value in ("harmless", HOSTILE):
        client = create_app().test_client()
        client.post("/_mock/clock", json={"now": NOW, "freeze": True})
        record = event(value, **{value: value, "distinct_id": value, "token": value})
        headers = {"User-Agent": value}
        client.post("/track", json=[record], headers=headers)
        client.post("/track", json=[record | {"properties": {value: [value]}}], headers=headers)
        pages.append(Text(shown(client, page)).tags)
    assert pages[0] == pages[1]


@pytest.mark.parametrize("page", PAGES)
def test_headers_allow_nothing_from_elsewhere(client: FlaskClient, page: str) -> None:
    """Each page has the strict policy, and links to nothing outside."""
    answer = client.get(f"/_mock/ui/{page}")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert re.findall(r'(?:src|href|action)="(?!/_mock/|#)[^"]*"', answer.text) == []


def test_lone_surrogates_are_shown_escaped() -> None:
    """A name that UTF-8 cannot hold does not break the page."""
    client = create_app().test_client()
    client.post(
        "/engage",
        data=rb'[{"$token":"T","$distinct_id":"\ud800","$set":{"a":"\ud800"}}]',
        content_type="application/json",
    )
    assert "\\ud800" in shown(client, "events?raw=1")


@pytest.mark.parametrize("name", ["inspector.css", "inspector.js", "theme.js", "icon.svg"])
def test_static_files(client: FlaskClient, name: str) -> None:
    """The files of the pages are served, and the scripts are small."""
    answer = client.get(f"/_mock/ui/static/{name}")
    assert answer.status_code == 200
    assert len(answer.data) < 15_000


@pytest.mark.parametrize(
    ("reason", "pattern"),
    [
        ("time: older than 5 days", "time: older than"),
        ("$insert_id: longer than 36 bytes", "$insert_id"),
        ("region: the project is in eu", "region:"),
        ("never heard of", None),
    ],
)
def test_reasons_are_explained(reason: str, pattern: str | None) -> None:
    """The first row that fits explains a reason."""
    found = explain(reason)
    assert (found and found.pattern) == pattern


def test_no_row_hides_a_later_one() -> None:
    """Each row of the table can be reached."""
    rows = explanations()
    hidden = [row.pattern for row in rows if (explain(row.pattern) or row) is not row]
    assert hidden == []


def test_large_request_is_shown_in_parts(client: FlaskClient) -> None:
    """A request with many records shows 50 at a time; a link to a record leads to its part."""
    client.post("/track", json=[event(f"E{number}", time=1) for number in range(120)])
    html = shown(client, "requests/3")
    assert "Records 1 to 50 of 120 records." in Text(html).text
    assert 'href="/_mock/ui/requests/3?first=50" rel="next"' in html
    assert 'id="r70"' in shown(client, "requests/3?first=50")
    assert 'href="/_mock/ui/requests/3?first=50#r70"' in shown(client, "events/74")


def test_large_request_is_copied_on_a_page_of_its_own(client: FlaskClient) -> None:
    """The copies of a large request are not on its page, which stays small; links lead to them."""
    client.post("/track", json=[event(f"E{number}", text="x" * 500) for number in range(50)])
    html = shown(client, "requests/3")
    assert (len(html) < 60_000, "curl -X POST" in html) == (True, False)
    assert 'href="/_mock/ui/requests/3?copy=curl#copy-1"' in html
    assert "curl -X POST" in shown(client, "requests/3?copy=curl")


def test_long_values_are_cut_in_lists(client: FlaskClient) -> None:
    """A list shows the beginning of a long name; the page of the record shows more of it."""
    client.post("/track", json=[event("x" * 1000)])
    assert "x" * 81 not in shown(client, "events")
    assert "x" * 80 + "…" in shown(client, "events")
    assert "x" * 1000 in shown(client, "events/4")


def test_rare_reason_is_found_in_bounded_time(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that found nothing in its time says how far it looked, and leads further back."""
    monkeypatch.setattr("mock_mixpanel.inspector.site.LOOKING_SECONDS", -1)
    client.post("/track", json=[event("Old", time=1)] * 5)
    html = shown(client, "requests?q=event:Nobody")
    assert "Looked at 1 of 3 requests." in Text(html).text
    assert 'href="/_mock/ui/requests?q=event%3ANobody&amp;before=3" rel="next"' in html


@pytest.mark.parametrize(
    ("page", "current"),
    [("requests/1", "Requests"), ("events/1", "Events"), ("person?id=ann", "People")],
)
def test_tab_of_a_single_item(client: FlaskClient, page: str, current: str) -> None:
    """The page of one item marks the tab of its list."""
    assert re.search(rf'aria-current="true">{current}', shown(client, page))


def test_many_projects(client: FlaskClient) -> None:
    """With many projects a page offers the latest ones and the one that is chosen."""
    for number in range(150):
        properties = {"token": f"project-{number:03}", "distinct_id": "ann"}
        client.post("/track", json=[{"event": "A", "properties": properties}])
        client.post("/_mock/clock", json={"advance": 1})
    html = shown(client, "requests?token=T")
    offered = re.findall(r'<option value="([^"]+)"', html)
    assert offered == ["T", *(f"project-{number:03}" for number in range(50, 150))][: len(offered)]
    assert len(offered) == 101
    assert "The first 100 of 151 projects." in Text(shown(client, "project")).text


CONTROLS = "\u202e\x1b\x9b\x00\u2066"


@pytest.mark.parametrize("page", ["", "requests", "requests/1", "events", "events/1", "saved"])
def test_control_characters_are_escaped(page: str) -> None:
    """No stored text can turn the direction of the words beside it, or hide itself."""
    client = create_app().test_client()
    hostile = f"a{CONTROLS}b"
    client.post("/track", json=[event(hostile, **{hostile: hostile, "distinct_id": hostile})])
    html = shown(client, page)
    assert [character for character in CONTROLS if character in html] == []
    if page in ("requests/1", "events", "events/1"):
        assert "a\\u202e\\u001b\\u009b\\u0000\\u2066b" in html


def test_forms_send_tokens_back_as_they_are() -> None:
    """The hidden field of a token holds the token itself, with its control characters."""
    client = create_app().test_client()
    client.post("/track", json=[event(token="T\u202e")])
    html = shown(client, "clock?token=T%E2%80%AE")
    assert '<input type="hidden" name="token" value="T\u202e">' in html
    assert "T\\u202e</option>" in html


def test_an_empty_id_has_no_page(client: FlaskClient) -> None:
    """An event with an empty id belongs to no person, so its page links to none."""
    client.post("/track", json=[event("Nobody's", distinct_id="")])
    html = shown(client, "events/4")
    assert "empty: no person" in Text(html).text
    assert "/_mock/ui/person" not in html
