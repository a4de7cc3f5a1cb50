"""Sides in other processes: git revisions of our translator, and drivers of anybody's."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from tests.project.paths import ROOT

TRACK = {"type": "track", "messageId": "m1", "userId": "u", "event": "Seen"}


def diff(*arguments: str | Path) -> Result:
    words = ["diff", "--workers", "1", "--now", "2026-06-15T12:00:00Z", *map(str, arguments)]
    return CliRunner().invoke(main, words)


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with one revision more, tagged v1, whose translator names its library otherwise."""
    folder = tmp_path / "clone"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "translator", folder / "translator", ignore=ignored)
    git(folder, "init", "-q")
    (folder / "README").write_text("no translator yet")
    git(folder, "add", "README")
    git(folder, "commit", "-q", "-m", "begin")
    git(folder, "tag", "v0")
    events = folder / "translator" / "cloud" / "events.py"
    ours = events.read_text()
    assert ours.count('f"Segment: {name}"') == 1
    events.write_text(ours.replace('f"Segment: {name}"', 'f"Segment/{name}"'))
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "old")
    git(folder, "tag", "v1")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    path.write_text(json.dumps(TRACK) + "\n" + json.dumps({"type": "identify"}) + "\n")
    return path


def test_a_revision(repository: Path, corpus: Path) -> None:
    """The code of the revision runs, not ours, and the clone is as it was."""
    result = diff("--corpus", corpus, "--old", "git:v1", "--new", "tree")
    assert result.stdout.splitlines() == [
        "old  git:v1",
        "new  tree",
        "2 messages, 1 changed (50.0%); 1 fail on both sides",
        "",
        "/track event",
        "  value changed: payload.properties.mp_lib  1 message (50.0%)",
        f"      {corpus}:1 (m1)",
        '        - "Segment/unknown"',
        '        + "Segment: unknown"',
        "",
        "1 kind of change without approval",
    ]
    assert result.exit_code == 1
    status = ["git", "status", "--porcelain"]
    assert subprocess.run(status, cwd=repository, check=True, capture_output=True).stdout == b""


def test_a_revision_follows_rules_and_settings(
    repository: Path, corpus: Path, tmp_path: Path
) -> None:
    """`--rules` and `--settings` concern both sides."""
    (tmp_path / "settings.json").write_text('{"token": "T-99", "sourceName": "web"}')
    options = ("--rules", "observed", "--settings", tmp_path / "settings.json")
    result = diff("--corpus", corpus, "--old", "git:v1", "--new", "tree", *options)
    changed = [line.strip() for line in result.stdout.splitlines() if "changed: " in line]
    assert changed == [
        "value changed: payload.mp_lib  1 message (50.0%)",
        "value changed: payload.properties.mp_lib  1 message (50.0%)",
    ]
    assert result.stdout.splitlines()[-1] == "2 kinds of change without approval"


def test_settings_of_entries_reach_a_revision(repository: Path, tmp_path: Path) -> None:
    """Each message is translated under its own settings; refused ones are an error of it."""
    corpus = tmp_path / "own.jsonl"
    names: list[object] = ["a", "b", 5, "a"]
    lines = [{"message": TRACK, "settings": {"token": "T", "sourceName": name}} for name in names]
    corpus.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = diff("--corpus", corpus, "--old", "git:v1")
    assert "4 messages, 3 changed (75.0%); 1 fail on both sides" in result.stdout
    assert "value changed: payload.properties.mp_lib  3 messages" in result.stdout


@pytest.mark.parametrize(
    ("revision", "text"),
    [
        ("nowhere", "git:nowhere: git says: fatal: Needed a single revision"),
        ("--help", "git:--help: git says: fatal"),
        ("v0", "git:v0: git says: fatal: pathspec 'translator' did not match"),
    ],
)
def test_a_revision_that_is_not_there(
    revision: str, text: str, repository: Path, corpus: Path
) -> None:
    """A revision that cannot be found, or has no translator, is said clearly."""
    result = diff("--corpus", corpus, "--old", f"git:{revision}")
    assert text in result.stderr
    assert result.exit_code == 2


def test_outside_a_clone(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git says that there is no repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    result = diff("--corpus", corpus, "--old", "git:HEAD")
    assert "not a git repository" in result.stderr
    assert result.exit_code == 2


DRIVER = """
import json, sys
for line in sys.stdin:
    ask = json.loads(line)
    reply = {}
    if ask["command"] == "start":
        reply = START
        if "refuse" in ask["settings"].get("sourceName", ""):
            reply = {"refused": {"key": "sourceName", "reason": "too odd"}}
    if ask["command"] == "translate":
        if any(message.get("event") == "crash" for message in ask["messages"]):
            reply = {"failed": "it crashed"}
        else:
            reply = {"answers": [{"operations": [OPERATION]} for message in ask["messages"]]}
    print(json.dumps(reply), flush=True)
"""
OPERATION = {
    "endpoint": "/track",
    "host": "https://api.mixpanel.com",
    "payload": {"event": "Seen", "properties": {"token": "token", "mine": True}},
}


@pytest.fixture
def driver(tmp_path: Path) -> str:
    """A translator that answers every message in one way, and tells nothing beside."""
    return write_driver(tmp_path, {"protocol": 1, "does": "translate"})


def write_driver(folder: Path, start: object) -> str:
    script = DRIVER.replace("START", repr(start)).replace("OPERATION", repr(OPERATION))
    (folder / "driver.py").write_text(script)
    return f"exec:{sys.executable} {folder / 'driver.py'}"


def test_another_translator(driver: str, corpus: Path) -> None:
    """Its operations are compared with ours; errors that it does not tell are not."""
    result = diff("--corpus", corpus, "--old", driver, "--new", "tree")
    assert "2 messages, 2 changed (100.0%)" in result.stdout
    assert "  removed: payload.properties.mine  1 message (50.0%)" in result.stdout
    assert "  added: payload.properties.mp_lib  1 message (50.0%)" in result.stdout
    assert "  removed: (the whole operation)  1 message (50.0%)" in result.stdout
    assert "failing" not in result.stdout
    assert result.exit_code == 1


def test_a_translator_with_itself(driver: str, corpus: Path) -> None:
    """Two times the same program are conformant."""
    result = diff("--corpus", corpus, "--old", driver, "--new", driver)
    assert "2 messages, 0 changed (0.0%)" in result.stdout
    assert result.exit_code == 0


def test_one_message_that_makes_it_fail_costs_only_itself(tmp_path: Path) -> None:
    """The other messages that were asked with it are compared."""
    driver = write_driver(
        tmp_path, {"protocol": 1, "does": "translate", "tells": ["errors", "skipped"]}
    )
    corpus = tmp_path / "corpus.jsonl"
    events = ["Seen", "crash", "Seen"]
    corpus.write_text("".join(json.dumps({**TRACK, "event": name}) + "\n" for name in events))
    result = diff("--corpus", corpus, "--old", "tree", "--new", driver)
    assert "  newly failing: error.translator_failed  1 message (33.3%)" in result.stdout
    assert "  added: payload.properties.mine  2 messages (66.7%)" in result.stdout


@pytest.mark.parametrize(
    ("start", "status", "text"),
    [
        ({"protocol": 1, "does": "deliver"}, 2, "delivers by itself"),
        (
            {"protocol": 1, "does": "translate", "rules": ["own"]},
            2,
            "does not follow the documented",
        ),
        ({"unsupported": "not today"}, 2, "does not take the settings: not today"),
        ({"failed": "oops"}, 2, "fails on the settings: oops"),
        ({"protocol": 2, "does": "translate"}, 3, "'protocol' must be 1"),
    ],
)
def test_a_driver_that_cannot_be_compared(
    start: object, status: int, text: str, tmp_path: Path, corpus: Path
) -> None:
    """What is wrong is said before anything is compared."""
    result = diff("--corpus", corpus, "--old", "tree", "--new", write_driver(tmp_path, start))
    assert text in result.stderr
    assert status == result.exit_code


def test_settings_that_it_refuses(driver: str, corpus: Path, tmp_path: Path) -> None:
    """Those of the command line end the comparison, those of an entry concern this one."""
    settings = {"token": "T", "sourceName": "refuse"}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    options = ("--settings", tmp_path / "settings.json")
    result = diff("--corpus", corpus, "--old", "tree", "--new", driver, *options)
    assert "does not take the settings: 'sourceName': too odd" in result.stderr
    assert result.exit_code == 2
    corpus.write_text(json.dumps({"message": TRACK, "settings": settings}))
    result = diff("--corpus", corpus, "--old", "tree", "--new", driver)
    assert "removed: (the whole operation)" in result.stdout
    assert result.exit_code == 1


def test_a_program_that_is_not_there(corpus: Path) -> None:
    """The error names it."""
    result = diff("--corpus", corpus, "--old", "tree", "--new", "exec:./nowhere")
    assert "exec:./nowhere: cannot be started" in result.stderr
    assert result.exit_code == 2


def test_on_several_cores(driver: str, corpus: Path) -> None:
    """Each process has a driver of its own."""
    command = [sys.executable, "-m", "conformance", "diff", "--workers", "2"]
    options = ["--corpus", str(corpus), "--old", driver, "--new", driver]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 messages, 0 changed (0.0%)" in done.stdout


def test_a_session_cannot_be_given_to_another_translator(driver: str, corpus: Path) -> None:
    """It is a bad line, and the messages beside it are compared."""
    corpus.write_text(json.dumps({"session": [TRACK]}) + "\n" + json.dumps(TRACK) + "\n")
    result = diff("--corpus", corpus, "--old", driver, "--new", driver)
    assert "1 message, 0 changed (0.0%); 1 bad line" in result.stdout
    assert "a session needs two variants of this translator" in result.stdout
