"""Who may read which project."""

import base64
from collections.abc import Iterator

import pytest

from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.projects.config import Config, Project, ServiceAccount
from mock_mixpanel.serving.server import Server
from tests.mock_mixpanel.wire import http

GUARDED = Project(
    "guarded",
    secret="s3cret",
    project_id="7",
    service_accounts=(ServiceAccount("robot", "pa:ss"),),
)
EUROPEAN = Project("european", project_id="8", region="eu")
UNAUTHENTICATED = "Unable to authenticate request"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Config(projects=(GUARDED, EUROPEAN)), eu_port=0) as server:
        for token in ("guarded", "open"):
            profile = {"$token": token, "$distinct_id": f"of {token}", "$set": {"n": 1}}
            http("POST", f"{server.url}/engage", json=profile)
        yield server


def read(server: Server, authorization: str | None, query: str = "") -> tuple[int, str]:
    """Status, and the first person of the project read or the error."""
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = http("GET", f"{server.url}/api/2.0/engage?{query}", headers=headers)
    if answer.status_code != 200:
        return answer.status_code, answer.json()["error"]
    return 200, ",".join(each["$distinct_id"] for each in answer.json()["results"])


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "query"),
    [
        (basic("robot:pa:ss"), "project_id=7"),
        ("Basic robot:pa:ss", "project_id=7"),
        (basic("s3cret:"), ""),
        (basic("s3cret"), ""),
        (basic("s3cret").rstrip("="), ""),
        (basic("guarded:"), ""),
    ],
)
def test_right_credential(server: Server, authorization: str, query: str) -> None:
    """Service account with project id, and secret or token with or without a colon, let in."""
    assert read(server, authorization, query) == (200, "of guarded")


@pytest.mark.parametrize(
    ("authorization", "query"),
    [
        (basic("robot:wrong"), "project_id=7"),
        (basic("wrong:"), "project_id=7"),
        (None, "project_id=7"),
        (None, "token=guarded"),
        (basic("robot:wrong"), ""),
        (basic("robot:wrong"), "token=open"),
        (basic("7:wrong"), ""),
        (basic("wrong:"), "token=open&project_id=7"),
    ],
)
def test_wrong_credential(server: Server, authorization: str | None, query: str) -> None:
    """A project with a secret is closed to all others, with the text readers look for."""
    assert read(server, authorization, query) == (401, UNAUTHENTICATED)


def test_url_safe_alphabet(server: Server) -> None:
    """A secret whose base64 differs in the URL-safe alphabet is read all the same."""
    http("PUT", f"{server.url}/_mock/projects/guarded", json={"secret": "???>>>"})
    assert read(server, "Basic Pz8_Pj4-") == (200, "of guarded")
    assert read(server, "Basic Pz8/Pj4+") == (200, "of guarded")


@pytest.mark.parametrize(
    ("authorization", "query"),
    [
        (basic("open:"), ""),
        (basic("any:thing"), "project_id=open"),
        (None, "token=open"),
        (basic("any:thing"), "project_id=1"),
        (basic("any secret"), ""),
        (None, ""),
    ],
)
def test_open_project(server: Server, authorization: str | None, query: str) -> None:
    """A project without a secret is found by its token, or as the only one there is."""
    assert read(server, authorization, query) == (200, "of open")


def test_several_open_projects(server: Server) -> None:
    """With several, one has to be named; a bare user that names none is a project without data."""
    profile = {"$token": "second", "$distinct_id": "of second", "$set": {"n": 1}}
    http("POST", f"{server.url}/engage", json=profile)
    hint = "2 projects could be meant; name one by its token or project_id"
    assert read(server, basic("any:thing"), "project_id=1") == (401, f"{UNAUTHENTICATED}: {hint}")
    assert read(server, basic("second:")) == (200, "of second")
    assert read(server, basic("third:")) == (200, "")


def test_region(server: Server) -> None:
    """A project that lives elsewhere is not here."""
    where = f"{UNAUTHENTICATED}: the project lives in eu"
    assert read(server, basic("x:y"), "project_id=8") == (401, where)
    there = http("GET", f"{server.eu_url}/api/2.0/engage?project_id=8", auth=("x", "y"))
    assert (there.status_code, there.json()["total"]) == (200, 0)


def test_strict_projects() -> None:
    """With strict projects, a bare user that is not a project is refused."""
    with Server(Config(projects=(GUARDED,), strict_projects=True)) as server:
        hint = "there is no such project; name one by its token or project_id"
        assert read(server, basic("third:")) == (401, f"{UNAUTHENTICATED}: {hint}")


def test_fixture_projects_are_apart(mock_mixpanel: MockMixpanel) -> None:
    """A test that has sent nothing reads nothing, whatever others sent before it."""
    profile = {"$token": "other", "$distinct_id": "of another test", "$set": {"n": 1}}
    http("POST", f"{mock_mixpanel.url}/engage", json=profile)
    answer = http(
        "GET", f"{mock_mixpanel.url}/api/2.0/engage", auth=(mock_mixpanel.token, "")
    ).json()
    http("POST", f"{mock_mixpanel.url}/_mock/reset", json={"token": "other"})
    assert answer["results"] == []


def test_journal(server: Server) -> None:
    """Reads are in the journal, without secrets, and with the beginning of the answer."""
    read(server, basic("s3cret:"), "api_key=s3cret&where=x")
    (entry,) = http("GET", f"{server.url}/_mock/requests?since=2").json()
    assert "s3cret" not in str(entry)
    assert (
        entry["headers"]["Authorization"],
        entry["response"]["status"],
        entry["payload"],
    ) == ("Basic ***", 400, [])


def test_faults(server: Server) -> None:
    """Reads go wrong when asked to, in the envelope of their route."""
    match = {"path": "/api/2.0/engage", "token": "guarded", "nth": 1}
    action = {"status": 429, "headers": {"Retry-After": "3"}}
    http("POST", f"{server.url}/_mock/faults", json={"match": match, "action": action})
    answer = http("GET", f"{server.url}/api/2.0/engage", auth=("s3cret", ""))
    assert (
        answer.status_code,
        answer.headers["Retry-After"],
        sorted(answer.json()),
    ) == (429, "3", ["error", "request"])
    assert read(server, basic("s3cret:")) == (200, "of guarded")


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        (
            "/api/2.0/engage?project_id=7",
            429,
            {
                "request": "/api/2.0/engage?project_id=7",
                "error": "Query rate limit exceeded for project_id: 7. 1/5 queries running "
                "concurrently and 61/60 queries running in the last hour. For more information, "
                "please consult our documentation at https://docs.mixpanel.com",
            },
        ),
        (
            "/api/2.0/export",
            401,
            {"request": "/api/2.0/export", "error": "Unable to authenticate request"},
        ),
        ("/api/2.0/export", 402, {"request": "/api/2.0/export", "error": "Payment Required"}),
        ("/flags", 403, {"error": "Forbidden", "status": "error"}),
        (
            "/lookup-tables",
            401,
            {"code": 401, "error": "Invalid credentials", "status": "Unauthorized"},
        ),
    ],
)
def test_words_of_a_status(
    server: Server, path: str, status: int, expected: dict[str, object]
) -> None:
    """A simulated status has the known response text of its route."""
    rule = {"match": {"path": path.partition("?")[0], "nth": 1}, "action": {"status": status}}
    http("POST", f"{server.url}/_mock/faults", json=rule)
    answer = http("GET", f"{server.url}{path}")
    assert (answer.status_code, answer.json()) == (status, expected)


def test_secret_of_another_region(server: Server) -> None:
    """The error for a project of another region names the region."""
    told = f"{UNAUTHENTICATED}: the project lives in eu"
    assert read(server, basic("european:")) == (401, told)
