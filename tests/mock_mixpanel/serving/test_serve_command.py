"""The command line, as a real process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from mock_mixpanel.cli import main
from tests.command import run_here
from tests.forked_process import ForkedProcess
from tests.mock_mixpanel.wire import DEFAULT_OPTIONS, http

COMMAND = ["-m", "mock_mixpanel", "serve"]
ALIASES = "aliases take effect 1 s after they are sent (--alias-delay 0: at once)\n"
PROJECT: dict[str, Any] = {
    "token": "T",
    "secret": "s",
    "project_id": 7,
    "identity": "simplified",
    "region": "eu",
    "alias_delay": 1.5,
    "group_keys": ["company"],
    "service_accounts": [{"username": "robot", "secret": "p"}],
}


@contextmanager
def serving(*arguments: str, browser: str = "") -> Iterator[subprocess.Popen[str]]:
    process = ForkedProcess(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "", "BROWSER": browser},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill_all(process)
        process.communicate()


def kill_all(process: subprocess.Popen[str]) -> None:
    """End a server with all its workers, before any of them can print or save anything."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()  # it may not yet lead its group


def urls(process: subprocess.Popen[str], count: int) -> dict[str, str]:
    assert process.stdout is not None
    lines = (process.stdout.readline().split() for _ in range(count))
    return {region: url for region, url in lines}  # noqa: C416 - dict() loses the types


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve(number: signal.Signals) -> None:
    """It prints a line per region, is then ready, and ends cleanly after a signal."""
    with serving("--port", "0", "--eu-port", "0", "--in-port", "0") as process:
        found = urls(process, 4)
        assert list(found) == ["us", "eu", "in", "ui"]
        assert found.pop("ui") == f"{found['us']}/_mock/ui/"
        for url in found.values():
            assert url.startswith("http://127.0.0.1:")
            assert http("GET", f"{url}/_mock/health").json()["status"] == "ok"
        process.send_signal(number)
        assert process.communicate(timeout=30) == ("", ALIASES)
        assert process.returncode == 0


def test_open() -> None:
    """With --open the pages open in the browser."""
    with serving("--port", "0", "--open", browser="echo opened %s") as process:
        found = urls(process, 3)
        assert found["opened"] == found["ui"]


def test_open_without_a_browser() -> None:
    """Without a browser, --open says so and the mock serves all the same."""
    with serving("--port", "0", "--open", browser="no-such-browser %s") as process:
        found = urls(process, 2)
        assert http("GET", f"{found['us']}/_mock/health").json()["status"] == "ok"
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
        assert "--open: found no browser; open the link above" in said


def test_reachable_from_other_machines() -> None:
    """Bound to all addresses, it prints a link with the token that its API asks for."""
    with serving("--port", "0", "--host", "0.0.0.0") as process:
        found = urls(process, 2)
        assert http("GET", f"{found['us']}/_mock/events").status_code == 401
        assert found["ui"].startswith("http://127.0.0.1:")
        answer = http("GET", found["ui"])
        assert (answer.status_code, answer.headers["Location"]) == (303, "/_mock/ui/")
        bearer = {"Authorization": f"Bearer {found['ui'].partition('=')[2]}"}
        assert http("GET", f"{found['us']}/_mock/events", headers=bearer).json() == []


def test_given_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token from the environment is used by all workers, and not printed."""
    monkeypatch.setenv("MOCKPANEL_CONTROL_TOKEN", "s3cret")
    with serving("--port", "0", "--workers", "2", "--allow-host", "mock.internal") as process:
        found = urls(process, 2)
        assert found["ui"] == f"{found['us']}/_mock/ui/"
        url = f"{found['us']}/_mock/events"
        headers = {"Authorization": "Bearer s3cret", "Host": "mock.internal"}
        for _ in range(6):
            assert http("GET", url).status_code == 401
            assert http("GET", url, headers=headers).json() == []
            other = headers | {"Host": "other.internal"}
            assert http("GET", url, headers=other).status_code == 403


@pytest.mark.parametrize(
    ("arguments", "seconds", "told"),
    [((), 1, ALIASES), (("--alias-delay", "0"), 0, ""), (("--alias-delay", "2.5"), 2.5, "2.5 s")],
)
def test_alias_delay(tmp_path: Path, arguments: tuple[str, ...], seconds: float, told: str) -> None:
    """Projects that set no alias delay have the documented second, or what the option says."""
    file = tmp_path / "projects"
    file.write_text('[{"token": "own", "alias_delay": 7}, {"token": "listed"}]')
    with serving("--port", "0", "--projects", str(file), *arguments) as process:
        url = urls(process, 1)["us"]
        shown = [
            http("GET", f"{url}/_mock/projects/{token}").json()["alias_delay"]
            for token in ("own", "listed", "never seen")
        ]
        http("PUT", f"{url}/_mock/projects/never seen", json={"geo": True}).raise_for_status()
        changed = http("GET", f"{url}/_mock/projects/never seen").json()["alias_delay"]
        process.terminate()
        _, error = process.communicate(timeout=30)
    assert [*shown, changed] == [7, seconds, seconds, seconds]
    assert told in error
    assert bool(told) == bool(error)


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump])
def test_projects(tmp_path: Path, write: Any) -> None:
    """Projects are read from JSON and from YAML."""
    file = tmp_path / "projects"
    file.write_text(write([PROJECT]))
    with serving("--port", "0", "--projects", str(file)) as process:
        url = urls(process, 1)["us"]
        hidden = {
            "project_id": "7",
            "secret": "***",
            "service_accounts": [{"username": "robot", "secret": "***"}],
        }
        shown = http("GET", f"{url}/_mock/projects/T").json()
        assert shown == DEFAULT_OPTIONS | PROJECT | hidden


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["--store", "disk"],
            "'--store': 'disk' is not a kind of store; use memory:, folder:path, sqlite:///file",
        ),
        (
            ["--store", "odd://x"],
            "'--store': 'odd' is not a kind of store; use memory:, folder:path, sqlite:///",
        ),
        (
            ["--store", "sqlite://"],
            "'--store': sqlite:// is not a file; use memory:, folder:path, sqlite:///",
        ),
        (["--keep", "1"], "'--keep': 1 is not in the range"),
        (["--workers", "0"], "'--workers': 0 is not in the range"),
        (["--workers", "2", "--store", "disk"], "'--store': 'disk' is not a kind of store"),
        (["--port", "70000"], "'--port': 70000 is not in the range"),
        (["--projects", "no-such-file"], "'--projects': File 'no-such-file' does not exist."),
    ],
)
def test_wrong_usage(arguments: list[str], error: str) -> None:
    """Wrong options are reported, with exit code 2."""
    done = run_here(main, "serve", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert error in done.stderr


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("{}", "projects: expected a list of objects, got an object"),
        ("[5]", "projects[0]: expected an object, got a int"),
        ("[{}]", "projects[0].token: missing or not a text; every project needs one"),
        ("[{token: T}, {token: T}]", "projects[1].token: 'T' is listed twice; remove one"),
        ("[{token: T, secrt: x}]", "projects[0].secrt: unknown option; did you mean 'secret'?"),
        ("[{token", "line 1: expected ',' or '}', but got '<stream end>'"),
    ],
)
def test_bad_projects(tmp_path: Path, content: str, error: str) -> None:
    """A bad projects file is an error that names file and key, with exit code 2."""
    file = tmp_path / "projects.yaml"
    file.write_text(content)
    done = run_here(main, "serve", "--port", "0", "--projects", file)
    assert done.returncode == 2
    assert f"{file}: {error}" in done.stderr


def test_port_in_use() -> None:
    """A port that is taken is an error, not a traceback."""
    with serving("--port", "0") as process:
        port = urls(process, 1)["us"].rpartition(":")[2]
        command = [sys.executable, *COMMAND, "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 1
        assert done.stderr.startswith("Error: cannot listen on 127.0.0.1: ")
        assert done.stderr.endswith("; give another port, or 0 for a free port\n")
