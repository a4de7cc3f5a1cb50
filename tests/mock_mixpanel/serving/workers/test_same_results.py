"""Several workers do what one does: the tests of the one, run against the others.

Each request may reach another worker, so all of these also show that the workers agree.
"""

from collections.abc import Callable
from types import ModuleType

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.ingest import (
    test_encodings,
    test_import,
    test_limits_of_projects,
    test_replies,
)
from tests.mock_mixpanel.ingest.test_import import guarded
from tests.mock_mixpanel.readback import test_engage, test_export, test_gdpr
from tests.mock_mixpanel.serving import (
    test_faults_on_the_wire,
    test_hostile_bodies,
    test_isolation,
    test_server,
)
from tests.mock_mixpanel.serving.test_faults_on_the_wire import connection
from tests.mock_mixpanel.simulation import test_faults
from tests.mock_mixpanel.state import test_alias_propagation, test_dedup
from tests.mock_mixpanel.state.test_alias_propagation import slow
from tests.mock_mixpanel.wire import NOW

__all__ = ["connection", "guarded", "slow"]

MODULES: tuple[ModuleType, ...] = (
    test_alias_propagation,
    test_dedup,
    test_encodings,
    test_engage,
    test_export,
    test_faults,
    test_faults_on_the_wire,
    test_gdpr,
    test_hostile_bodies,
    test_import,
    test_isolation,
    test_limits_of_projects,
    test_replies,
    test_server,
)
PREPARED: dict[str, Callable[[MockMixpanel], None]] = {
    test_engage.__name__: lambda mock: mock.freeze(NOW),
    test_export.__name__: lambda mock: mock.freeze(NOW),
    test_gdpr.__name__: test_gdpr.add_people,
}
"""What comes before each test of a module."""

OF_ONE_PROCESS = {"mock_mixpanel_server", "slept"}
"""Fixtures that reach into the process of the server."""
OF_ONE_SERVER = {"test_length_that_is_none"}
"""Tests of what production servers do in another way: this one is answered 400 and closed."""


def of_the_wire(test: object) -> bool:
    """Whether a test looks at a server from outside only."""
    code = getattr(test, "__code__", None)
    names = set(code.co_varnames[: code.co_argcount]) if code else set()
    return "mock_mixpanel" in names and not names & OF_ONE_PROCESS


for module in MODULES:
    for name, each in list(vars(module).items()):
        if name.startswith("test_") and name not in OF_ONE_SERVER and of_the_wire(each):
            globals()[f"{module.__name__.rpartition('.')[2]}_{name.removeprefix('test_')}"] = each
del each


@pytest.fixture(autouse=True)
def _prepared(mock_mixpanel: MockMixpanel, request: pytest.FixtureRequest) -> None:
    prepare = PREPARED.get(request.function.__module__)
    if prepare:
        prepare(mock_mixpanel)
