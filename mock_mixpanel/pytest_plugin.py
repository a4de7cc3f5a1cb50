"""The fixture `mock_mixpanel`: a local Mixpanel for tests, with a separate project for each test.

Imports nothing heavy: pytest loads this in every run, also where the fixture is not used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mock_mixpanel.client import MockMixpanel
    from mock_mixpanel.serving.server import Server

_runs = count(1)


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
    """A project of this test; the project and the clock are reset after the test."""
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
    yield mock
    mock.close()
    server.backend.reset(token)
    server.backend.clock.reset()
