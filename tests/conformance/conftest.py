"""One mock server for each worker."""

from collections.abc import Iterator

import pytest

from conformance.runner.mock import Mock, running_mock


@pytest.fixture(scope="session")
def mock() -> Iterator[Mock]:
    """A running mock; each test resets it first."""
    with running_mock() as running:
        yield running
