import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.translator.engage.build import HOUR, T0, track
from translator.cli import main

NOW = "2026-06-16T12:00:00Z"

DEFINITIONS = """
computed_traits:
  - {name: Total, computation: sum, event: X, property: n}
audiences:
  - {name: Active, users_who: [{performed: X, within_days: 1}], send: [track]}
"""

Json = dict[str, Any]


class Folder:
    """A folder with definitions, settings and messages, and the command run over them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("definitions.yaml", DEFINITIONS)
        self.write("settings.json", '{"token": "T"}')

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    def run(self, *arguments: str, lines: list[Any] | None = None) -> Result:
        names = [str(self.path / name) for name in ("definitions.yaml", "settings.json")]
        command = ["engage", "--definitions", names[0], "--settings", names[1], "--now", NOW]
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines or []]
        return CliRunner().invoke(
            main, [*command, *arguments], input="".join(f"{t}\n" for t in texts)
        )


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def answers(result: Result) -> list[Json]:
    return [json.loads(line) for line in result.stdout.splitlines()]


MESSAGES = [track(at=T0, properties={"n": 2}), track(at=T0 + 2 * HOUR, properties={"n": 3})]


def test_messages(folder: Folder) -> None:
    """What comes out is the calls, in order of time, up to --now."""
    result = folder.run(lines=MESSAGES)
    assert [
        (made["type"], made["timestamp"], made.get("traits") or made["event"])
        for made in answers(result)
    ] == [
        ("identify", "2026-06-15T12:00:00.000Z", {"total": 2}),
        ("track", "2026-06-15T13:00:00.000Z", "Audience Entered"),
        ("identify", "2026-06-15T14:00:00.000Z", {"total": 5}),
    ]
    assert (result.exit_code, result.stderr) == (0, "")


def test_messages_of_a_file(folder: Folder) -> None:
    """Input from a file gives the same as standard input."""
    folder.write("messages.jsonl", "".join(json.dumps(each) + "\n" for each in MESSAGES))
    result = folder.run(str(folder.path / "messages.jsonl"))
    assert folder.run(lines=MESSAGES).stdout == result.stdout != ""


def test_operations(folder: Folder) -> None:
    """With --translate each call is answered as `translate` answers it."""
    made = folder.run(lines=MESSAGES).stdout
    settings = str(folder.path / "settings.json")
    command = ["translate", "--settings", settings, "--now", NOW]
    expected = CliRunner().invoke(main, command, input=made).stdout
    assert expected == folder.run("--translate", lines=MESSAGES).stdout != ""


def test_received_at(folder: Folder) -> None:
    """A message arrives at its receivedAt."""
    late = track(at=T0, properties={"n": 2}, receivedAt=T0 + 5 * HOUR)
    [trait, entered] = answers(folder.run(lines=[late]))
    assert trait["timestamp"] == "2026-06-15T17:00:00.000Z"
    assert entered["timestamp"] == "2026-06-15T18:00:00.000Z"


def test_bad_lines(folder: Folder) -> None:
    """A line that cannot be used is named on the error stream and stops only itself."""
    result = folder.run(lines=["{", {"type": "track", "event": "X"}, *MESSAGES])
    assert len(answers(result)) == 3
    assert [line[: line.index(": ", 8)] for line in result.stderr.splitlines()] == [
        "line 1: not_json",
        "line 2: missing_id",
    ]
    assert result.exit_code == 1


def test_what_cannot_be_translated(folder: Folder) -> None:
    """With --translate an error of the translation counts as one."""
    folder.write("settings.json", '{"token": "T", "people": false}')
    old = track(at=T0 - 30 * 24 * HOUR, properties={"n": 1})
    result = folder.run("--translate", lines=[old])
    assert [each["error"] and each["error"]["code"] for each in answers(result)] == [
        None,
        "api_secret_required",
        "api_secret_required",
    ]
    assert [[skip["code"] for skip in each["skipped"]] for each in answers(result)] == [
        ["people_off"],
        [],
        [],
    ]
    assert result.stderr == "note: 'people' is off, so identify calls will be skipped\n"
    assert result.exit_code == 1


def test_ignored_values(folder: Folder) -> None:
    """Values that could not be aggregated are counted on the error stream."""
    result = folder.run(lines=[track(properties={"n": "free"})])
    assert result.stderr == "note: total: 1 events without a number to aggregate\n"
    assert result.exit_code == 0


def test_unset(folder: Folder) -> None:
    """--unset writes one update for each profile that has the property."""
    lines = [*MESSAGES, track(user="v", properties={"n": 1}), track("Y", user="w")]
    made = answers(folder.run("--unset", "total", lines=lines))
    assert [
        (payload["$distinct_id"], payload["$unset"])
        for each in made
        for payload in [each["operations"][0]["payload"]]
    ] == [("u", ["total"]), ("v", ["total"])]
    assert made[0].keys() == {"messageId", "operations", "skipped", "error"}


@pytest.mark.parametrize(
    ("arguments", "file", "text", "expected"),
    [
        (["--unset", "nothing"], None, "", "--unset 'nothing' is not a key in"),
        ([], "definitions.yaml", "audience: []", "did you mean 'audiences'?"),
        ([], "settings.json", '{"tokn": "T"}', "did you mean 'token'?"),
        (["--now", "soon"], None, "", "--now 'soon' is not an ISO 8601 time"),
    ],
)
def test_wrong_usage(
    folder: Folder, arguments: list[str], file: str | None, text: str, expected: str
) -> None:
    """What cannot be used ends with status 2 and says why."""
    if file:
        folder.write(file, text)
    result = folder.run(*arguments)
    assert (result.exit_code, expected in result.stderr) == (2, True)
