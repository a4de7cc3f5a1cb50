"""`translate --mode web|ios|android`: one session in, one line out for each message."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import run_here
from translator.cli import main

NOW = "2026-06-15T12:00:00Z"


def run(tmp_path: Path, text: str, *arguments: str, **settings: Any) -> tuple[int, list[Any]]:
    """Exit status and answers of `translate` for some lines."""
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"token": "T", **settings}))
    command = ("translate", "--settings", str(file), "--now", NOW, *arguments)
    done = run_here(main, *command, text=text)
    assert done.stderr == ""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def lines(*messages: Any) -> str:
    """Messages as JSON lines."""
    return "".join(json.dumps(message) + "\n" for message in messages)


TRACK = {"type": "track", "messageId": "m1", "event": "x"}


@pytest.mark.parametrize("mode", ["web", "ios", "android"])
def test_shape_of_an_answer(tmp_path: Path, mode: str) -> None:
    """An answer has the members of cloud mode, and `calls` besides."""
    status, [first, second] = run(tmp_path, lines(TRACK, TRACK), "--mode", mode)
    assert status == 0
    members = ["messageId", "operations", "skipped", "error", "calls"]
    assert [list(first), list(second)] == [members, members]
    assert (
        second["messageId"],
        second["error"],
        second["calls"],
    ) == ("m1", None, [["track", "x", {}]])
    assert second["skipped"] == []


def test_one_session(tmp_path: Path) -> None:
    """The input is one session: who was identified stays so, and the start comes once."""
    identify = {"type": "identify", "userId": "u-1"}
    _, answers = run(tmp_path, lines(identify, TRACK), "--mode", "web", "--rules", "observed")
    methods = [[call[0] for call in answer["calls"]] for answer in answers]
    assert methods == [["init", "register", "identify", "name_tag", "register"], ["track"]]
    [event] = answers[1]["operations"]
    assert (
        event["endpoint"],
        event["host"],
        event["payload"]["properties"]["distinct_id"],
        event["payload"]["properties"]["time"],
    ) == ("/track", "https://api-js.mixpanel.com", "u-1", 1781524800)


def test_bad_lines(tmp_path: Path) -> None:
    """A bad line has an error and an answer of its own; the status is 1."""
    status, answers = run(tmp_path, "no json\n" + lines(TRACK), "--mode", "web")
    assert (
        status,
        [answer["error"] and answer["error"]["code"] for answer in answers],
    ) == (1, ["not_json", None])
    assert [[call[0] for call in answer["calls"]] for answer in answers] == [
        ["init", "register"],
        ["track"],
    ]


def test_a_thrown_error_is_an_error(tmp_path: Path) -> None:
    """What the integration throws is in the calls, and loses the message with an error."""
    message = {"type": "track", "event": 7}
    status, [answer] = run(tmp_path, lines(message), "--mode", "web", "--rules", "observed")
    text = "track.event(...).toLowerCase is not a function"
    assert (status, answer["calls"][-1]) == (1, ["!throw", text])
    assert answer["error"]["code"] == "invalid_field"


def test_halves_of_characters(tmp_path: Path) -> None:
    """A character that the SDK cuts in two is written as JSON escapes it."""
    message = {"type": "track", "event": "x" * 254 + "\U0001f600"}
    status, [answer] = run(tmp_path, lines(message), "--mode", "web")
    assert (status, answer["operations"][0]["payload"]["event"]) == (0, "x" * 254 + "\ud83d")


def test_browser_file(tmp_path: Path) -> None:
    """The page's address and the like come from a file."""
    browser = tmp_path / "browser.yaml"
    browser.write_text("url: https://shop.example/?utm_source=mail\nscreen: [320, 480]\n")
    _, [answer] = run(tmp_path, lines(TRACK), "--mode", "web", "--browser", str(browser))
    properties = answer["operations"][0]["payload"]["properties"]
    assert (properties["utm_source"], properties["$screen_height"]) == ("mail", 480)
