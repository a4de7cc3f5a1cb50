"""Settings and fixtures that all tests share."""

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.loopback.guard import OutsideError, is_outside, watch

# An example must not fail because the machine is busy.
settings.register_profile("mockpanel", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mockpanel")


def pytest_configure() -> None:
    """Collecting makes a million objects that stay; the garbage collector would find nothing."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was collected stays until the end: the garbage collector no longer looks at it."""
    gc.freeze()
    gc.enable()


_escapes: list[str] = []


def _seen(event: str, host: str) -> None:
    if is_outside(host):
        _escapes.append(f"{event} of {host}")
        raise OutsideError(f"a test must not leave this machine: {_escapes[-1]}")


watch(_seen)


@pytest.fixture
def escapes() -> list[str]:
    """The attempts of this process to talk to another machine."""
    return _escapes


@pytest.fixture(autouse=True)
def nobody_else(escapes: list[str]) -> Iterator[None]:
    """A test that tries to talk to another machine fails, even if it swallows the error."""
    yield
    found = escapes.copy()
    escapes.clear()
    assert found == []
