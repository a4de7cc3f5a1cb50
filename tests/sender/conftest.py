"""Fixtures of the sender's tests."""

from collections.abc import Iterator

import pytest

from tests.sender.build import US, recorded_retry
from tests.sender.stub import Stub, running_stub
from translator.sender import Limits, Sender


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A scripted server on this machine."""
    with running_stub() as server:
        yield server


@pytest.fixture
def sleeps() -> list[float]:
    """The seconds that `sender` waited, in order; it never really waits."""
    return []


@pytest.fixture
def sender(stub: Stub, sleeps: list[float]) -> Iterator[Sender]:
    """A sender of US operations to the stub in large batches, whose jitter is always one half."""
    retry, limits = recorded_retry(sleeps), Limits(together=2000)
    with Sender({US: stub.url}, "top-secret", retry=retry, limits=limits) as sender:
        yield sender
