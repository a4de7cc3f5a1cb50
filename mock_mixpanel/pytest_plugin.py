"""The fixture `mock_mixpanel`: a local Mixpanel for tests, with a separate project for each test.

Imports nothing heavy: pytest loads this in every run, also where the fixture is not used.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mock_mixpanel.client import MockMixpanel
    from mock_mixpanel.serving.server import Server

_runs = count(1)
_MOCK: pytest.StashKey[MockMixpanel] = pytest.StashKey()


@pytest.fixture(scope="session")
def mock_mixpanel_server() -> Iterator[Server]:
    """The server of this test session (of this worker, under xdist), with a port per region."""
    from mock_mixpanel.serving.server import Server

    with Server(eu_port=0, in_port=0) as server:
        yield server


@pytest.fixture
def mock_mixpanel(
    mock_mixpanel_server: Server, request: pytest.FixtureRequest
) -> Iterator[MockMixpanel]:
    """A project of this test; the project and the clock are reset after the test.

    If the test fails, its project is saved as one HTML file; the report names the file.
    """
    from mock_mixpanel.client import MockMixpanel
    from mock_mixpanel.projects.config import Project

    # The same test may run several times in a session; its projects must differ.
    name = f"{request.node.nodeid}#{next(_runs)}"
    token = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:32]
    server = mock_mixpanel_server
    # Register the project before it has data: a reader without data of its own would otherwise be
    # shown the only other project.
    server.backend.projects.put(Project(token))
    mock = MockMixpanel(server.url, token, eu_url=server.eu_url or "", in_url=server.in_url or "")
    request.node.stash[_MOCK] = mock
    yield mock
    del request.node.stash[_MOCK]
    mock.close()
    server.backend.reset(token)
    server.backend.clock.reset()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Save the project of a failed test, before the fixture resets it."""
    report = yield
    mock = item.stash.get(_MOCK, None)
    if report.failed and mock is not None:
        try:
            file = _folder(item.config) / _file_name(item.nodeid)
            file.write_bytes(mock.saved_page())
            said = f"What the mock received: {file.as_uri()}"
        except Exception as error:  # The test's own failure must be reported in any case.
            said = f"What the mock received could not be saved: {error}"
        report.sections.append(("mock_mixpanel", said))
    return report


def _folder(config: pytest.Config) -> Path:
    """The folder of saved pages: pytest's cache, or a temporary folder in a run without one."""
    cache = getattr(config, "cache", None)
    return Path(cache.mkdir("mockpanel") if cache else mkdtemp(prefix="mockpanel-"))


def _file_name(test: str) -> str:
    """A unique file name for a test, valid on every file system."""
    short = re.sub(r"[^A-Za-z0-9_]+", "-", test)[-80:].strip("-")
    return f"{short}-{hashlib.sha256(test.encode(errors='replace')).hexdigest()[:8]}.html"
