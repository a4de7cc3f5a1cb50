"""The page of a comparison in headless Chromium, under its own policy."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from conformance.cli import main
from tests.clients.browser_run import chromium

TRACK = {"type": "track", "messageId": "m1", "userId": "u", "event": "Seen"}
SHOWN = "return document.querySelectorAll('details[data-text]:not([hidden])').length"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page that shows a change."""
    folder = tmp_path_factory.mktemp("report")
    corpus = folder / "corpus.jsonl"
    corpus.write_text(json.dumps(TRACK) + "\n")
    sides = []
    for side, name in (("old", "web"), ("new", "shop")):
        file = folder / f"{side}.json"
        file.write_text(json.dumps({"token": "T-0123456789", "sourceName": name}))
        sides += [f"--{side}", f"settings:{file}"]
    words = ["diff", "--workers", "1", "--now", "2026-06-15T12:00:00Z", "--corpus", str(corpus)]
    CliRunner().invoke(main, [*words, *sides, "--report", str(folder)])
    return folder / "diff.html"


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Any]:
    with chromium(tmp_path / "profile", https_port=0) as made:
        yield made


def test_policy(driver: Any, page: Path) -> None:
    """The page's own script runs, and no other one: its policy names that script by its hash."""
    driver.get(page.as_uri())
    assert driver.execute_script(SHOWN) == 1
    driver.find_element("css selector", "#filter").send_keys("nothing like this")
    assert driver.execute_script(SHOWN) == 0
    assert [each for each in driver.get_log("browser") if each["level"] == "SEVERE"] == []
    driver.execute_script("""
        const script = document.createElement('script');
        script.textContent = 'document.title = "injected"';
        document.body.append(script);
    """)
    assert driver.title != "injected"
    [refused] = [each["message"] for each in driver.get_log("browser")]
    assert "Content Security Policy" in refused
