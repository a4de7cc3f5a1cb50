"""The pytest fixture."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.forked_process import run_module
from tests.mock_mixpanel.wire import NOW, event, names, send
from tests.pytest_process import PYTEST

SEEN: set[str] = set()


@pytest.mark.parametrize("number", [1, 2])
def test_own_project(mock_mixpanel: MockMixpanel, number: int) -> None:
    """Each test has a project of its own that is empty."""
    assert mock_mixpanel.token not in SEEN
    SEEN.add(mock_mixpanel.token)
    assert mock_mixpanel.requests() == []
    send(mock_mixpanel, "/track", event(mock_mixpanel))
    assert names(mock_mixpanel) == ["Signed Up"]


OUTER = """
def test_first(mock_mixpanel):
    mock_mixpanel.freeze("2020-01-01T00:00:00Z")
    mock_mixpanel.faults({"action": {"status": 500}})
    assert mock_mixpanel.now() == "2020-01-01T00:00:00.000Z"

def test_second(mock_mixpanel, mock_mixpanel_server):
    assert not mock_mixpanel_server.backend.clock.frozen
    assert mock_mixpanel.now() > "2020-01-02"
    assert mock_mixpanel_server.backend.faults.shown() == []
    assert mock_mixpanel_server.backend.log.journal() == []
    assert len({mock_mixpanel.url, mock_mixpanel.eu_url, mock_mixpanel.in_url}) == 3
"""


def test_tidies_up(tmp_path: Path) -> None:
    """After a test its clock, faults and records are gone, in any test suite."""
    (tmp_path / "test_outer.py").write_text(OUTER)
    options = ("-q", "-p", "no:cacheprovider")
    done = run_module(*PYTEST[2:], *options, str(tmp_path), cwd=tmp_path)
    assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout


FAILING = """
import pytest, requests
from tests.pytest_process import PYTEST

def send(mock):
    record = {"event": "Signed Up", "properties": {"token": mock.token, "distinct_id": "ann"}}
    requests.post(mock.url + "/track", json=[record])

@pytest.fixture
def used_by_a_fixture(mock_mixpanel):
    send(mock_mixpanel)

@pytest.mark.parametrize("name", ["a/../../b"])
def test_fails(used_by_a_fixture, name):
    assert 1 == 2

def test_passes(mock_mixpanel):
    send(mock_mixpanel)

def test_fails_without():
    assert 1 == 2

def test_mock_is_gone(mock_mixpanel, mock_mixpanel_server):
    mock_mixpanel_server.stop()
    assert 1 == 2
"""


@pytest.mark.parametrize("options", [[], ["-p", "no:cacheprovider"]])
def test_failure_saves_the_page(tmp_path: Path, options: list[str]) -> None:
    """A failed test names the page with what its project received; other tests save none."""
    (tmp_path / "test_outer.py").write_text(FAILING)
    done = run_module(*PYTEST[2:], "-q", *options, str(tmp_path), cwd=tmp_path)
    assert "3 failed, 1 passed" in done.stdout
    [link] = re.findall(r"What the mock received: file://(\S+)", done.stdout)
    page = Path(unquote(link))
    assert page.is_relative_to(tmp_path) == (not options)
    assert "Signed Up" in page.read_text(encoding="utf-8")
    assert "What the mock received could not be saved: " in done.stdout


def test_plugin_is_light() -> None:
    """Loading the plugin loads neither Flask nor the HTTP client."""
    code = (
        "import sys, mock_mixpanel.pytest_plugin; "
        "print(sorted({'flask', 'werkzeug', 'requests', 'orjson'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


def test_helpers(mock_mixpanel: MockMixpanel) -> None:
    """The helpers steer this project and the clock."""
    mock_mixpanel.freeze(NOW)
    mock_mixpanel.advance(1.5)
    assert mock_mixpanel.now() == "2026-06-15T12:00:01.500Z"
    mock_mixpanel.freeze()
    assert mock_mixpanel.now() == "2026-06-15T12:00:01.500Z"
