"""Pages show what is new at once, also while the state of many requests is not computed yet."""

import threading
from contextlib import closing
from pathlib import Path

import pytest

from mock_mixpanel import Server
from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.inspector import site
from mock_mixpanel.log.stores import open_store
from tests.mock_mixpanel.wire import http

REQUESTS = 20


def record(token: str, number: int) -> dict[str, object]:
    return {"event": f"E{number}", "properties": {"token": token, "distinct_id": "ann"}}


@pytest.mark.parametrize("page", ["requests", "requests?token=T", ""])
def test_newest_request_is_listed_before_it_is_read(
    monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    """A page without time to read still lists the newest request, and says how many are unread."""
    monkeypatch.setattr(site, "READING_SECONDS", 0)
    client = create_app(backend=Backend()).test_client()
    for number in range(REQUESTS):
        client.post("/track", json=record("T", number))
    html = client.get(f"/_mock/ui/{page}").get_data(as_text=True)
    unread = int(html.partition('data-behind="')[2].partition('"')[0])
    assert 0 < unread < REQUESTS
    assert f'href="/_mock/ui/requests/{REQUESTS}' in html


def test_page_of_another_mock_reads_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock that shows a page reads what others stored, without a request of its own."""
    monkeypatch.setattr(site, "READING_SECONDS", 0)
    complete = threading.Event()
    url = f"folder:{tmp_path}/store"
    with closing(open_store(url)) as first, closing(open_store(url)) as second:
        other = create_app(backend=Backend(store=first)).test_client()
        server = Server(store=second)
        catch_up = server.backend.projections.catch_up

        def noted(seconds: float) -> bool:
            if catch_up(seconds) and server.backend.projections.count_requests() == REQUESTS:
                complete.set()
            return not server.backend.projections.behind()

        monkeypatch.setattr(server.backend.projections, "catch_up", noted)
        with server:
            for number in range(REQUESTS):
                other.post("/track", json=record("T", number))
            assert 'data-behind="0"' not in http("GET", f"{server.url}/_mock/ui/").text
            assert complete.wait(30)
            assert 'data-behind="0"' in http("GET", f"{server.url}/_mock/ui/").text
