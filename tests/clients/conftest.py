"""The mock as a process, and a project for each test."""

import hashlib
import time
from collections.abc import Iterator

import pytest

from tests.clients.mixpanel import Project, serving


@pytest.fixture(scope="session")
def mixpanel_url() -> Iterator[str]:
    """A mock over plain HTTP."""
    with serving() as url:
        yield url


@pytest.fixture
def project(mixpanel_url: str, request: pytest.FixtureRequest) -> Project:
    """A project of the test's own; nothing of it is refused or dropped unless the test says so."""
    made = Project(mixpanel_url, token_of(request), time.time())
    made.create()
    return made


def token_of(request: pytest.FixtureRequest) -> str:
    """A token that only this test has."""
    return hashlib.md5(request.node.nodeid.encode(), usedforsecurity=False).hexdigest()
