"""Fixtures of the sender's tests."""

from collections.abc import Iterator

import pytest

from tests.translator.sender.build import NOW, US, recorded_retry
from tests.translator.sender.stub import Stub, running_stub
from translator.sender import Sender


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
    """A sender of US operations to the stub, whose jitter is always one half."""
    with Sender({US: stub.url}, "top-secret", retry=recorded_retry(sleeps), now=lambda: NOW) as one:
        yield one
