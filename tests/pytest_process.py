"""The command for pytest in another process, as in a project that uses the plugins."""

import sys

OTHER_PLUGINS = ("anyio", "hypothesispytest", "schemathesis")
"""Plugins that only the tests of this repository install; to import them takes a second."""

PYTEST = (
    *(sys.executable, "-m", "pytest"),
    *(word for name in OTHER_PLUGINS for word in ("-p", f"no:{name}")),
)
"""The command, without arguments."""
