"""`mockpanel up` starts a mock and a gateway, prints where they are, and ends with the counts."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from conformance.mockpanel.cli import main
from conformance.mockpanel.up import FIRST_CALLS, first_call, lines, project_of
from mock_mixpanel.projects.config import Project
from tests.command import run_here
from translator import Settings

COMMAND = [sys.executable, "-c", "from conformance.mockpanel.cli import main; main()", "up"]


@pytest.fixture
def settings(tmp_path: Path) -> str:
    file = tmp_path / "settings.json"
    file.write_text('{"token": "my-token", "people": true}')
    return str(file)


@contextmanager
def running(settings: str, *options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The process, and the lines that it printed when it was ready."""
    environment = {**os.environ, "MOCKPANEL_UP_SETTINGS": settings}
    command = [*COMMAND, "--port", "0", "--gateway-port", "0", *options]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            printed: list[str] = []
            while not printed or not printed[-1].startswith("Press Ctrl+C"):
                line = process.stdout.readline()
                assert line, process.stderr and process.stderr.read()
                printed.append(line.rstrip("\n"))
            yield process, printed
        finally:
            process.kill()


def addresses(printed: list[str]) -> dict[str, str]:
    """The first word of each line, and the address that follows."""
    return dict(re.findall(r"^(\w+) +(http://\S+)", "\n".join(printed), re.MULTILINE))


def test_from_the_start_to_the_account(settings: str) -> None:
    """Page, gateway and mock are printed in this order; pasted calls arrive; Ctrl+C ends it."""
    with running(settings) as (process, printed):
        found = addresses(printed)
        assert list(found) == ["page", "gateway", "mock"]
        assert requests.get(found["page"], timeout=30).status_code == 200
        pasted = [line.strip() for line in printed if line.startswith("  curl")]
        assert len(pasted) == len(FIRST_CALLS)
        for line in pasted:
            subprocess.run(["bash", "-c", line], check=True, capture_output=True, timeout=60)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        assert json.loads(out.splitlines()[-1]) == {
            "read": 2,
            "delivered": 2,
            "skipped": 0,
            "rejected": 0,
            "dead_lettered": 0,
        }
        assert process.returncode == 0


def test_pasted_calls_reach_the_page(settings: str) -> None:
    """A person who was sent to the gateway is on the mock's page of people."""
    with running(settings) as (_, printed):
        found = addresses(printed)
        for name, message in FIRST_CALLS:
            url = f"{found['gateway']}/v1/{name}"
            assert requests.post(url, json=message, auth=("k", ""), timeout=30).status_code == 200
        changes = f"{found['mock']}/_mock/changes?after=1&wait=20"
        assert requests.get(changes, timeout=60).json()["last"] >= 2
        assert "ann@example.com" in requests.get(f"{found['page']}people", timeout=30).text


def test_page_follows_a_call_to_the_profile(settings: str) -> None:
    """The page leads from a Segment call to the record that it became and to the person."""
    with running(settings) as (_, printed):
        found = addresses(printed)
        name, message = FIRST_CALLS[0]
        url = f"{found['gateway']}/v1/{name}"
        assert requests.post(url, json=message, auth=("k", ""), timeout=30).status_code == 200
        changes = f"{found['mock']}/_mock/changes?after=0&wait=20"
        assert requests.get(changes, timeout=60).json()["last"] == 1
        listed = requests.get(f"{found['page']}messages", timeout=30).text
        assert 'href="/_mock/ui/messages/1"' in listed
        html = requests.get(f"{found['page']}messages/1", timeout=30).text
        assert 'href="/_mock/ui/events/1"' in html
        assert 'href="/_mock/ui/person?token=my-token&amp;region=us&amp;id=ann"' in html


def test_a_busy_port(settings: str) -> None:
    """A port in use is an error that names it."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        for options in (["--port", port], ["--port", "0", "--gateway-port", port]):
            done = run_here(main, "up", "--settings", settings, *options)
            assert (done.returncode, port in done.stderr) == (1, True)


def test_lines_are_in_the_promised_order() -> None:
    """The page comes first, then the gateway, the mock, and two calls to paste."""
    urls = {"us": "http://127.0.0.1:1", "eu": "http://127.0.0.1:2"}
    printed = lines("http://127.0.0.1:1/_mock/ui/", "http://127.0.0.1:3", urls)
    assert [line.split()[0] for line in printed if line] == [
        *("page", "gateway", "mock", "Send", "curl", "curl", "Press")
    ]
    assert first_call("http://h:1", "track", {"event": "it's"}).endswith(
        """'{"event": "it'"'"'s"}'"""
    )


@pytest.mark.parametrize(
    ("settings", "region"), [({}, "us"), ({"enableEuropeanUnionEndpoint": True}, "eu")]
)
def test_project_follows_the_settings(settings: dict[str, bool], region: str) -> None:
    """The mock's project has the token, the secret and the region of the settings."""
    read = Settings.from_json({"token": "T", "apiSecret": "s", **settings})
    assert project_of(read, 2.0) == Project("T", secret="s", region=region, alias_delay=2.0)
