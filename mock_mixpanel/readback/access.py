"""The project that a read request may read, and the errors of read requests."""

from collections.abc import Mapping

from mock_mixpanel.backend import Backend
from mock_mixpanel.ingest import authentication
from mock_mixpanel.projects.config import Project

UNAUTHENTICATED = "Unable to authenticate request"
"""The text in responses of the query routes; the status 401 is a choice
(docs/facts/mixpanel-http-api.md#raw-export)."""


class CallError(Exception):
    """A call that fails; `status` is the HTTP status, the message says what is wrong.

    `home` is the project that the request names, if it is in another region.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        home: Project | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.home = home


def readable_project(
    backend: Backend,
    credential: authentication.Credential | None,
    project_id: str,
    token: str,
    region: str,
) -> Project:
    """The project that a credential may read.

    A project with a secret or service accounts needs the right one, as for imports. Any other
    project accepts every credential. The request names it by its token (`token=`, `project_id=`, or
    the Basic user) or its `project_id`; without a name it is the only such project. A user name
    without a password that matches no project is the token of a project without data. All of this
    is a choice. Raises CallError 401 if no project is found.
    """
    known = backend.projects.known()
    found = authentication.project_of(credential, project_id, region, known)
    if found:
        return found
    elsewhere = authentication.project_of(credential, project_id, None, known)
    if elsewhere:
        return _checked(elsewhere, region)
    guarded = authentication.guarded_by_name(credential, (token, project_id), known)
    if guarded:
        return _checked(guarded, region)
    user = credential.username if credential and not credential.password else ""
    options = {project.token: project for project in known}
    stored = {name: backend.projects.options(name) for name in backend.projections.tokens(region)}
    projects = stored | options
    for name in filter(None, (token, project_id, user)):
        for project in projects.values():
            if name in (project.token, project.project_id):
                return _checked(project, region)
    open_ones = [each for each in projects.values() if not each.guarded]
    here = [each for each in open_ones if each.region in (None, region)]
    if len(here) == 1:
        return here[0]
    if user and not backend.config.strict_projects:
        return backend.projects.options(user)
    count = f"{len(here)} projects could be meant" if here else "there is no such project"
    raise CallError(401, f"{UNAUTHENTICATED}: {count}; name one by its token or project_id")


def shown_id(project: Project) -> int | str:
    """The id under which readers name a project; for a project without an id its token (choice)."""
    shown = project.project_id or project.token
    return int(shown) if shown.isascii() and shown.isdecimal() and len(shown) < 16 else shown


def _checked(project: Project, region: str) -> Project:
    if project.region not in (None, region):
        said = f"{UNAUTHENTICATED}: the project lives in {project.region}"
        raise CallError(401, said, home=project)
    if project.guarded:
        raise CallError(401, UNAUTHENTICATED)
    return project
