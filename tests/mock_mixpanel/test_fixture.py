"""The pytest fixture."""

import subprocess
import sys
from pathlib import Path

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import NOW, event, names, send

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
    """After a test its clock, faults and records are gone, in anybody's test suite."""
    (tmp_path / "test_outer.py").write_text(OUTER)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
    )
    assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout


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
