"""A gateway that stores and does not deliver."""

from collections.abc import Iterator

import pytest

from tests.translator.gateway.build import Client, TestGateway


@pytest.fixture
def gateway() -> Iterator[TestGateway]:
    """A gateway with its messages in memory."""
    made = TestGateway()
    yield made
    made.close()


@pytest.fixture
def client(gateway: TestGateway) -> Client:
    """A client of it."""
    return gateway.client()
