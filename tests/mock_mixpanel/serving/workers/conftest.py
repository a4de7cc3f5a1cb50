"""The same fixture as everywhere, but behind it are several worker processes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.serving.test_serve_command import serving, urls
from tests.mock_mixpanel.wire import http

_numbers = count(1)


@pytest.fixture(scope="session")
def worker_urls() -> Iterator[dict[str, str]]:
    """The base URLs, by region, of a server with two workers for each region."""
    ports = ("--port", "0", "--eu-port", "0", "--in-port", "0")
    with serving(*ports, "--workers", "2", "--alias-delay", "0") as process:
        yield urls(process, 3)


@pytest.fixture
def mock_mixpanel(worker_urls: dict[str, str]) -> Iterator[MockMixpanel]:
    """A project of the test's own; it and the clock are put back afterwards."""
    us, eu, india = worker_urls.values()
    mock = MockMixpanel(us, f"token-{next(_numbers)}", eu_url=eu, in_url=india)
    mock.project()
    yield mock
    mock.reset()
    now = datetime.now(UTC).isoformat()
    http("POST", f"{us}/_mock/clock", json={"now": now, "freeze": False}).raise_for_status()
    mock.close()
