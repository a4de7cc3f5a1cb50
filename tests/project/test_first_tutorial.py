"""The first tutorial works as written: `mockpanel up`, calls to the gateway, and what is shown."""

import os
import subprocess
import time
from pathlib import Path

import requests

from tests.conformance.mockpanel.test_up import addresses, running
from tests.project.paths import ROOT
from tests.project.reader import blocks, environment

PAGE = (ROOT / "docs" / "tutorials" / "first.md").read_text(encoding="utf-8")
UP = "mockpanel up --settings settings.json\n"
DEADLINE_SECONDS = 60


def run(script: str, folder: Path) -> str:
    """What a block of commands prints."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_first_ten_minutes(tmp_path: Path) -> None:
    """Each block prints what the page shows, and the page that it names is there."""
    found = blocks(PAGE)
    assert [block.text for block in found].count(UP) == 1
    settings, up, calls, answers, reading, shown = found
    assert (run(settings.text, tmp_path), up.text) == ("", UP)
    with running(os.fspath(tmp_path / "settings.json")) as (_, printed):
        urls = addresses(printed)

        def placed(text: str) -> str:
            text = text.replace("http://127.0.0.1:8090", urls["gateway"])
            return text.replace("http://127.0.0.1:8080", urls["mock"])

        assert run(placed(calls.text), tmp_path) == answers.text
        page = f"{urls['mock']}/_mock/"
        end = time.monotonic() + DEADLINE_SECONDS
        last = 0
        while requests.get(f"{page}events?token=my-token", timeout=30).text.count("Order") == 0:
            assert time.monotonic() < end, "the order did not arrive"
            waited = requests.get(f"{page}changes?after={last}&wait=5", timeout=30).json()
            last = waited["last"]
        assert run(placed(reading.text), tmp_path) == shown.text
        assert "visitor-1" in requests.get(f"{page}ui/person?id=ann", timeout=30).text
