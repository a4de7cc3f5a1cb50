"""The mock as a process, and a project for each test."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.mixpanel import Project, serving
from tests.clients.needs import python_client


@pytest.fixture(scope="session")
def mixpanel_url() -> Iterator[str]:
    """A mock over plain HTTP."""
    with serving() as url:
        yield url


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the mock that speaks https puts the certificate authority to trust."""
    return tmp_path_factory.mktemp("tls") / "ca.pem"


@pytest.fixture(scope="session")
def secure_url(authority: Path) -> Iterator[str]:
    """A mock over https, under whatever host name."""
    python_client("trustme")
    with serving("--tls", "--tls-ca", str(authority)) as url:
        yield url


@pytest.fixture
def project(mixpanel_url: str, request: pytest.FixtureRequest) -> Project:
    """A project of the test's own; nothing of it is refused or dropped unless the test says so."""
    made = Project(mixpanel_url, token_of(request), time.time())
    made.create()
    return made


@pytest.fixture
def secure_project(secure_url: str, authority: Path, request: pytest.FixtureRequest) -> Project:
    """Like `project`, in the mock over https."""
    made = Project(secure_url, token_of(request), time.time(), ca_file=str(authority))
    made.create()
    return made


def token_of(request: pytest.FixtureRequest) -> str:
    """A token that only this test has."""
    return hashlib.md5(request.node.nodeid.encode(), usedforsecurity=False).hexdigest()
