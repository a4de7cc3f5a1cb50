"""`nox` runs the project's tests and scenarios.

`MOCKPANEL=PATH nox` installs mockpanel from a checkout or from a wheel. Without it, it comes from
the package index that pip is set up to use.
"""

import os
from pathlib import Path

import nox


@nox.session
def tests(session: nox.Session) -> None:
    """Tests and scenarios; arguments go to pytest."""
    session.install(mockpanel(), "pytest")
    session.run("pytest", *session.posargs)


def mockpanel() -> str:
    """What to install: a path that is there, from here or absolute, or a requirement."""
    asked = os.environ.get("MOCKPANEL", "mockpanel")
    path = Path(asked).expanduser()
    if path.exists():
        return str(path.resolve())
    if "/" in asked or asked.endswith(".whl"):
        raise FileNotFoundError(f"MOCKPANEL={asked}: there is no such folder or wheel")
    return asked
