"""`nox` runs the project's tests and scenarios."""

import nox


@nox.session
def tests(session: nox.Session) -> None:
    """Tests and scenarios; arguments go to pytest."""
    session.install("mockpanel", "pytest")
    session.run("pytest", *session.posargs)
