"""Every page and list is the same whichever store a mock has, and whichever mock or worker answers.

The mock that receives is not the one that answers; both are on one store.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mock_mixpanel import Server
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.log.stores import open_store
from tests.mock_mixpanel import postgresql
from tests.mock_mixpanel.inspector.samples import EMPTY_PAGES, fill, pages
from tests.mock_mixpanel.serving.test_serve_command import serving, urls
from tests.mock_mixpanel.wire import http

LISTS = (
    *("requests", "requests?summary=1&page=1", "records", "events", "events?raw=1", "profiles"),
    *("groups", "rejected", "reasons", "identities", "overview", "leaks", "faults", "clock"),
    *("projects", "projects/T", "person?token=T&id=ann", "requests/1", "events/1"),
)
Found = dict[str, tuple[int, str]]


def walk(receiving: MockMixpanel, answering: MockMixpanel) -> Found:
    """Status and text of every page and list: of an empty mock, then of a full one."""
    http("POST", f"{receiving.url}/_mock/clock", json={"now": "2026-06-15T11:00Z", "freeze": True})
    found = {f"empty {page}": shown(answering, f"ui/{page}") for page in EMPTY_PAGES}
    project = fill(receiving)
    found |= {name: shown(answering, f"ui/{page}") for name, page in pages(project).items()}
    return found | {each: shown(answering, each) for each in LISTS}


def shown(mock: MockMixpanel, page: str) -> tuple[int, str]:
    """A page, without what differs between two servers: their ports, and numbers of versions."""
    answer = http("GET", f"{mock.url}/_mock/{page}")
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", answer.text)
    return answer.status_code, re.sub(r'data-version="\d+"', "", text)


def client(urls: dict[str, str]) -> MockMixpanel:
    return MockMixpanel(urls["us"], "T", eu_url=urls["eu"])


@contextmanager
def two_mocks(url: str) -> Iterator[tuple[MockMixpanel, MockMixpanel]]:
    """Two mocks on one store; for a store in memory, one."""
    with ExitStack() as stack:
        made = []
        for _ in range(1 if url == "memory:" else 2):
            store = open_store(url)
            stack.callback(store.close)
            server = stack.enter_context(Server(store=store, eu_port=0))
            made.append(client(server.urls))
            stack.callback(made[-1].close)
        yield made[0], made[-1]


@pytest.fixture(scope="module", autouse=True)
def long_search() -> Iterator[None]:
    """The pages of mocks in this process search for a long time, so that each page is complete."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mock_mixpanel.inspector.site.LOOKING_SECONDS", 60)
        yield


@pytest.fixture(scope="module")
def expected(long_search: None) -> Found:
    """The pages of a mock in memory."""
    with two_mocks("memory:") as (receiving, answering):
        return walk(receiving, answering)


def test_the_pages_hold_something(expected: Found) -> None:
    """All pages are there, but for those of a gateway and the page that is not found."""
    missing = {name for name, (status, _) in expected.items() if status != 200}
    assert missing == {"empty messages", "messages", "message", "not found"}
    assert "HOST" in expected["request"][1]


@pytest.mark.parametrize("kind", ["folder:{}/store", "sqlite:///{}/store.db", "postgresql"])
def test_pages_of_every_store(tmp_path: Path, kind: str, expected: Found) -> None:
    """A mock shows what another one on the same store received, as if it were one mock."""
    with ExitStack() as stack:
        url = kind.format(tmp_path)
        if kind == "postgresql":
            folder = stack.enter_context(TemporaryDirectory())
            url = stack.enter_context(postgresql.running(Path(folder)))
        receiving, answering = stack.enter_context(two_mocks(url))
        found = walk(receiving, answering)
    assert found == expected


def test_pages_of_several_workers(tmp_path: Path, expected: Found) -> None:
    """Two workers show the same, whichever of them answers a connection."""
    arguments = ("--port", "0", "--eu-port", "0", "--workers", "2", "--store")
    with serving(*arguments, f"folder:{tmp_path}/store") as process:
        mock = client(urls(process, 2))
        try:
            assert walk(mock, mock) == expected
        finally:
            mock.close()
