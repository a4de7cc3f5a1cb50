"""Text of a message never controls the terminal that it is printed on."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.forked_process import run_command
from translator.terminal_text import printable

ROOT = Path(__file__).parents[2]


@given(st.text())
def test_json_means_the_same(text: str) -> None:
    """Escapes in JSON text stand for the same characters, and none of them controls a terminal."""
    shown = printable(json.dumps(text, ensure_ascii=False))
    assert json.loads(shown) == text
    controls = [each for each in shown if not each.isprintable() and ord(each) < 0xA0]
    assert controls == []


def written(*command: str, folder: Path, terminal: bool) -> str:
    """What a module with arguments writes to a terminal, or to a pipe; it runs in the folder."""
    leader, follower = os.openpty() if terminal else os.pipe()
    try:
        assert run_command(["-m", *command], cwd=folder, stdout=follower).returncode == 0
        return os.read(leader, 65536).decode()
    finally:
        os.close(leader)
        os.close(follower)


@pytest.mark.parametrize("character", ["\x7f", "\x9b", "\u061c", "\u202e"])
@pytest.mark.parametrize("terminal", [True, False])
def test_translate(tmp_path: Path, character: str, terminal: bool) -> None:
    """`translate` escapes them on a terminal, and leaves a pipe the text as it is."""
    (tmp_path / "settings.json").write_text('{"token": "T"}')
    message = {"type": "track", "userId": "u", "event": f"E{character}[31m", "messageId": "m"}
    (tmp_path / "in").write_text(json.dumps(message, ensure_ascii=False) + "\n")
    command = ("translator", "translate", "--settings", "settings.json", "in")
    shown = written(*command, folder=tmp_path, terminal=terminal)
    assert (character in shown) is not terminal
    [operation] = json.loads(shown)["operations"]
    assert operation["payload"]["event"] == message["event"]


@pytest.mark.parametrize(
    "command",
    [
        ("translator", "engage", "--settings", "settings.json", "--definitions", "d.yaml", "in"),
        ("conformance", "corpus", "redact", "--keep", "event", "in"),
    ],
    ids=["engage", "redact"],
)
def test_other_lines_of_json(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Every command that writes messages to a terminal escapes them."""
    (tmp_path / "settings.json").write_text('{"token": "T"}')
    trait = "computed_traits: [{name: Count, computation: event_counter, event: E}]\n"
    (tmp_path / "d.yaml").write_text(trait)
    message: dict[str, Any] = {
        "type": "track",
        "userId": "u\x9b31m",
        "event": "E",
        "messageId": "m",
    }
    message |= {"timestamp": "2026-06-15T12:00:00Z", "properties": {"p": "\u202e\x1b[31m"}}
    (tmp_path / "in").write_text(json.dumps(message, ensure_ascii=False) + "\n")
    shown = written(*command, folder=tmp_path, terminal=True)
    assert json.loads(shown.splitlines()[0])["messageId"] != ""
    assert [each for each in "\x9b\x1b\u202e" if each in shown] == []
