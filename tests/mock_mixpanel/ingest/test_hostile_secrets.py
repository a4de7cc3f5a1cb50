"""Secrets appear nowhere: not in the journal, in lists, answers, logs or errors."""

import base64
import json
import logging
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from click.testing import CliRunner

from mock_mixpanel import Server
from mock_mixpanel.cli import main
from mock_mixpanel.ingest.redaction import redacted_text
from mock_mixpanel.projects.config import ConfigError, Project
from tests.mock_mixpanel.wire import basic, http

CANARY = "c4n4ry-0f-a-s3cret"
FORMS = (CANARY, base64.b64encode(CANARY.encode()).decode().rstrip("="))
RECORD = {"event": "E", "properties": {"token": "T", "distinct_id": "u-1"}}
LISTS = ["requests", "events", "profiles", "groups", "rejected", "identities", "faults"]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server_with_log() -> Iterator[Server]:
    with Server(quiet=False) as server:
        yield server


@pytest.fixture
def talkative(server_with_log: Server) -> Iterator[Server]:
    """A server that logs every request, and has only those of the test."""
    yield server_with_log
    server_with_log.backend.reset()


def shown(server: Server, log: pytest.LogCaptureFixture) -> str:
    """All that can be read of a server: its lists, its projects and its log."""
    with requests.Session() as session:
        session.trust_env = False
        paths = (*LISTS, "projects/T")
        *lists, projects = [session.get(f"{server.url}/_mock/{path}").text for path in paths]
    assert json.loads(projects)["token"] == "T"
    return "\n".join([*lists, projects, log.text])


def leaks(text: str) -> list[str]:
    return [form for form in FORMS if form in text]


HEADERS: dict[str, dict[str, str]] = {
    "Basic": basic(f"{CANARY}:"),
    "Basic without a colon": basic(CANARY),
    "Basic with a user": basic(f"robot:{CANARY}"),
    "Basic not encoded": {"Authorization": f"Basic robot:{CANARY}"},
    "Bearer": {"Authorization": f"Bearer {CANARY}"},
    "no scheme": {"Authorization": CANARY},
    "unknown scheme": {"Authorization": f"Token {CANARY}"},
    "proxy": {"Proxy-Authorization": f"Basic {CANARY}"},
    "cookie": {"Cookie": f"session={CANARY}"},
    "key of another product": {"X-Api-Key": CANARY},
    "secret of another product": {"X-Client-Secret": CANARY},
    "token of another product": {"X-Auth-Token": CANARY},
    "referer": {"Referer": f"http://shop.test/?api_key={CANARY}&a=1"},
}
QUERIES = ["api_key", "api_secret", "sig", "secret", "password", "access_token", "Api_Key"]
PATHS = ["/track", "/import", "/import?strict=1", "/engage", "/api/2.0/export", "/nowhere"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", HEADERS)
def test_headers(talkative: Server, caplog: pytest.LogCaptureFixture, name: str, path: str) -> None:
    """A credential in a header."""
    caplog.set_level(logging.INFO)
    answer = http("POST", talkative.url + path, json=[RECORD], headers=HEADERS[name])
    assert leaks(answer.text + shown(talkative, caplog)) == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", QUERIES)
def test_query(talkative: Server, caplog: pytest.LogCaptureFixture, name: str, path: str) -> None:
    """A secret in the query is not in the log line of the request either."""
    caplog.set_level(logging.INFO)
    answer = http("POST", talkative.url + path, json=[RECORD], params={name: CANARY})
    assert leaks(answer.text + shown(talkative, caplog)) == []
    assert path.partition("?")[0] in caplog.text


BODIES: dict[str, tuple[dict[str, str], str]] = {
    "form": (FORM, f"api_key={CANARY}&data={json.dumps(RECORD)}"),
    "form with bad data": (FORM, f"data=%%%&api_key={CANARY}"),
    "form without data": (FORM, f"api_key={CANARY}&a=1"),
    "form in quotes": (FORM, f"date=1&api_secret='{CANARY}'"),
    "broken JSON": (JSON, f'{{"api_secret": "{CANARY}", oops'),
    "broken JSON, escaped": (JSON, f'[{{"password":"{CANARY}"'),
    "JSON under a form type": (FORM, f'{{"api_key": "{CANARY}"}}'),
    "an Authorization": (FORM, f"Authorization: Basic {CANARY}"),
}


@pytest.mark.parametrize("path", ["/track", "/import?strict=1", "/api/2.0/engage", "/nowhere"])
@pytest.mark.parametrize("name", BODIES)
def test_body(talkative: Server, caplog: pytest.LogCaptureFixture, name: str, path: str) -> None:
    """A secret beside the data, or in a body that cannot be read."""
    caplog.set_level(logging.INFO)
    headers, body = BODIES[name]
    answer = http("POST", talkative.url + path, data=body.encode(), headers=headers)
    assert leaks(answer.text + shown(talkative, caplog)) == []


LINES = {
    "words after the target": f"GET /import?api_key={CANARY} and more words",
    "an unknown version": f"GET /import?api_key={CANARY} HTTP/9.9",
    "two lines": f"api_secret={CANARY}",
    "a malformed target": f"GET http://[?sig={CANARY} HTTP/1.1",
    "a long target": f"GET /import?api_key={CANARY}&data={'a' * 70_000} HTTP/1.1",
    "a bad header": f"GET /track HTTP/1.1\r\nAuthorization Basic {CANARY}",
}


@pytest.mark.parametrize("name", LINES)
def test_malformed_request(talkative: Server, caplog: pytest.LogCaptureFixture, name: str) -> None:
    """A secret in what is not an HTTP request."""
    caplog.set_level(logging.INFO)
    address = urlsplit(talkative.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(f"{LINES[name]}\r\n\r\n".encode())
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"<title>" in received
    assert leaks(shown(talkative, caplog)) == []
    assert 'malformed request "' in caplog.text


def test_settings(talkative: Server, caplog: pytest.LogCaptureFixture) -> None:
    """The secrets of a project are used, and never shown."""
    caplog.set_level(logging.INFO)
    url = f"{talkative.url}/_mock/projects/T"
    accounts = [{"username": "robot", "secret": CANARY}]
    said = http("PUT", url, json={"secret": CANARY, "service_accounts": accounts}).text
    for headers, status in ((basic(f"{CANARY}:"), 200), (basic("wrong:"), 401)):
        answer = http("POST", f"{talkative.url}/import", json=[RECORD], headers=headers)
        assert status == answer.status_code
        said += answer.text
    http("POST", f"{talkative.url}/api/app/validate-project-credentials", json={"api_secret": 1})
    assert leaks(said + shown(talkative, caplog)) == []
    http("POST", f"{talkative.url}/_mock/reset", json={"token": "T"})


def test_validated_secret(talkative: Server, caplog: pytest.LogCaptureFixture) -> None:
    """A secret that is asked about."""
    caplog.set_level(logging.INFO)
    url = f"{talkative.url}/api/app/validate-project-credentials"
    answer = http("POST", url, json={"project_token": "T", "api_secret": CANARY})
    assert leaks(answer.text + shown(talkative, caplog)) == []


WRONG_SETTINGS: dict[str, dict[str, Any]] = {
    "a secret in a list": {"secret": [CANARY]},
    "a secret in an object": {"secret": {"value": CANARY}},
    "an account that is a text": {"service_accounts": [CANARY]},
    "an account with more": {"service_accounts": [{"username": "a", "secret": CANARY, "b": 1}]},
    "an account by the wrong name": {"service_accounts": [{"user": "a", "secret": CANARY}]},
    "a secret that is misspelt": {"secrt": CANARY},
}


@pytest.mark.parametrize("name", WRONG_SETTINGS)
def test_wrong_settings(name: str) -> None:
    """An error about a setting does not quote it."""
    with pytest.raises(ConfigError) as wrong:
        Project("T").changed(WRONG_SETTINGS[name])
    assert leaks(str(wrong.value)) == []


@pytest.mark.parametrize(
    "content",
    [
        f"- token: T\n  secret: '{CANARY}\n",
        f"- token: T\n  secret: {CANARY}: {CANARY}\n",
        f'[{{"token": "T", "secret": "{CANARY}"',
        f"- token: T\n  secret: @{CANARY}\n",
    ],
)
def test_broken_projects_file(tmp_path: Any, content: str) -> None:
    """An error in the projects file names the line, and does not quote it."""
    file = tmp_path / "projects.yaml"
    file.write_text(content)
    result = CliRunner().invoke(main, ["serve", "--projects", str(file)])
    assert result.exit_code == 2
    assert "projects.yaml: line " in result.output
    assert leaks(result.output) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET /import?api_key=abc&strict=1 HTTP/1.1", "GET /import?api_key=***&strict=1 HTTP/1.1"),
        ('{"api_secret": "abc", "a": 1}', '{"api_secret": "***", "a": 1}'),
        ("Authorization: Basic abc", "Authorization: Basic ***"),
        ("sig=abc&design=blue", "sig=***&design=blue"),
        ("a secret garden", "a secret garden"),
        ("token=abc&data=e30=", "token=abc&data=e30="),
    ],
)
def test_redacted_text(text: str, expected: str) -> None:
    """Only the values of secrets are hidden; a project's token is not a secret."""
    assert redacted_text(text) == expected
