"""Several workers agree: tests of state that they share, run against two workers.

Each request may reach another worker. How a request is read and answered is the same code in every
process and is tested once, elsewhere.
"""

from collections.abc import Callable
from types import ModuleType

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.control import test_causes, test_changes, test_people, test_search
from tests.mock_mixpanel.control.test_changes import pool
from tests.mock_mixpanel.control.test_search import filled
from tests.mock_mixpanel.ingest import test_import, test_limits_of_projects
from tests.mock_mixpanel.ingest.test_import import guarded
from tests.mock_mixpanel.readback.data import test_engage, test_export
from tests.mock_mixpanel.readback.management import test_gdpr
from tests.mock_mixpanel.serving import test_faults_on_the_wire, test_isolation
from tests.mock_mixpanel.serving.test_faults_on_the_wire import connection
from tests.mock_mixpanel.simulation import test_faults
from tests.mock_mixpanel.state.events import test_dedup
from tests.mock_mixpanel.state.identities import test_alias_propagation
from tests.mock_mixpanel.state.identities.test_alias_propagation import slow
from tests.mock_mixpanel.wire import NOW

__all__ = ["connection", "filled", "guarded", "pool", "slow"]

MODULES: tuple[ModuleType, ...] = (
    test_alias_propagation,
    test_causes,
    test_changes,
    test_dedup,
    test_engage,
    test_export,
    test_faults,
    test_faults_on_the_wire,
    test_gdpr,
    test_import,
    test_isolation,
    test_limits_of_projects,
    test_people,
    test_search,
)
PREPARED: dict[str, Callable[[MockMixpanel], None]] = {
    test_engage.__name__: lambda mock: mock.freeze(NOW),
    test_export.__name__: lambda mock: mock.freeze(NOW),
    test_gdpr.__name__: test_gdpr.add_people,
}
"""What comes before each test of a module."""

OF_ONE_PROCESS = {"mock_mixpanel_server", "slept"}
"""Fixtures that reach into the process of the server."""


def of_the_wire(test: object) -> bool:
    """Whether a test looks at a server from outside only."""
    code = getattr(test, "__code__", None)
    names = set(code.co_varnames[: code.co_argcount]) if code else set()
    return "mock_mixpanel" in names and not names & OF_ONE_PROCESS


for module in MODULES:
    for name, each in list(vars(module).items()):
        if name.startswith("test_") and of_the_wire(each):
            globals()[f"{module.__name__.rpartition('.')[2]}_{name.removeprefix('test_')}"] = each
del each


@pytest.fixture(autouse=True)
def _prepared(mock_mixpanel: MockMixpanel, request: pytest.FixtureRequest) -> None:
    prepare = PREPARED.get(request.function.__module__)
    if prepare:
        prepare(mock_mixpanel)
