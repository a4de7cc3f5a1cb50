import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import zstandard

from tests.command import run_here
from tests.translator.messages import track
from translator.bulk import CHUNK_BYTES
from translator.cli import main

NOW = ("--now", "2026-06-15T12:00:00Z")


cli = partial(run_here, main)


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.json"
    path.write_text('{"token": "T"}')
    return path


def test_translates_standard_input(settings_file: Path) -> None:
    """Lines in, one result a line out, exit status 0 when all were translated."""
    done = cli("translate", "--settings", settings_file, *NOW, text=json.dumps(track()) + "\n")
    assert (done.returncode, done.stderr) == (0, "")
    (answer,) = map(json.loads, done.stdout.splitlines())
    assert list(answer) == ["messageId", "operations", "skipped", "error"]
    assert answer["messageId"] == "m1"
    assert answer["skipped"] == []
    assert answer["error"] is None
    (operation,) = answer["operations"]
    assert list(operation) == ["endpoint", "host", "payload"]
    assert operation["endpoint"] == "/track"
    assert operation["host"] == "https://api.mixpanel.com"
    assert operation["payload"]["event"] == "Signed Up"


def test_a_bad_line_makes_the_exit_status_1(settings_file: Path, tmp_path: Path) -> None:
    """Every line is answered; the status is 1 if one could not be translated."""
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text(json.dumps(track()) + "\n{oops\n" + json.dumps(track()) + "\n")
    done = cli("translate", "--settings", settings_file, *NOW, corpus)
    assert done.returncode == 1
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    codes = [answer["error"] and answer["error"]["code"] for answer in answers]
    assert codes == [None, "not_json", None]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("source", ["file", "stdin"])
def test_compressed_input(
    compress: Callable[[bytes], bytes], source: str, settings_file: Path, tmp_path: Path
) -> None:
    """gzip and zstd are recognised by their content, in a file and on standard input."""
    corpus = tmp_path / "corpus"
    corpus.write_bytes(compress(json.dumps(track()).encode() + b"\n"))
    words = [sys.executable, "-m", "translator", "translate", "--settings", str(settings_file)]
    with corpus.open("rb") as stdin:
        done = subprocess.run(
            [*words, *NOW, *([str(corpus)] if source == "file" else [])],
            stdin=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert [json.loads(line)["messageId"] for line in done.stdout.splitlines()] == ["m1"]


def test_compressed_input_that_is_cut_off(settings_file: Path, tmp_path: Path) -> None:
    """Status 2 and one clear line, not a traceback."""
    corpus = tmp_path / "cut.gz"
    corpus.write_bytes(gzip.compress(json.dumps(track()).encode() + b"\n")[:-12])
    done = cli("translate", "--settings", settings_file, *NOW, corpus)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: {corpus} cannot be read to its end: ")
    assert len(done.stderr.splitlines()) == 1


def test_yaml_settings_and_observed_rules(tmp_path: Path) -> None:
    """Settings may be YAML, and --rules chooses whom to follow."""
    path = tmp_path / "settings.yaml"
    path.write_text("token: T\npeople: false\n")
    line = json.dumps(track(properties={"revenue": 5}))
    done = cli("translate", "--settings", path, "--rules", "observed", *NOW, text=line)
    assert done.returncode == 0
    operations = json.loads(done.stdout)["operations"]
    assert [operation["endpoint"] for operation in operations] == ["/track", "/engage"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--mode", "web", "--browser", "no-such-file.json"], "no-such-file.json"),
        (["--mode", "loud"], "'loud' is not one of"),
        (["--now", "noon"], "--now 'noon' is not an ISO 8601 time such as 2026-06-15T12:00:00Z"),
        (["--rules", "mine"], "'mine' is not one of 'documented', 'observed'"),
        (["no-such-file.jsonl"], "no-such-file.jsonl"),
        (["."], ". is a folder; give a file, or --engine spark to read a folder"),
        (["--output", "out"], "--output is for --engine spark"),
        (["--browser", __file__], "--browser is for --mode web, not --mode cloud"),
        (["--seed", "1"], "--seed is for the device modes"),
    ],
)
def test_wrong_usage_is_status_2(settings_file: Path, arguments: list[str], text: str) -> None:
    """A wrong option is said on the error stream, and nothing is translated."""
    done = cli("translate", "--settings", settings_file, *arguments, text=json.dumps(track()))
    assert done.returncode == 2
    assert done.stdout == ""
    assert text in done.stderr


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('{"token": "T", "peple": true}', "unknown setting 'peple'; did you mean 'people'?"),
        ("{", "settings.json: line 1, column 2: not valid JSON: Expecting property name"),
        ("\n", "settings.json: the file is empty"),
        ("{}", "setting 'token' is required"),
    ],
)
def test_wrong_settings_are_status_2(tmp_path: Path, content: str, text: str) -> None:
    """Settings that cannot be used are said with file and key."""
    path = tmp_path / "settings.json"
    path.write_text(content)
    done = cli("translate", "--settings", path, text=json.dumps(track()))
    assert done.returncode == 2
    assert done.stdout == ""
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """A byte order mark, which some editors write, is ignored."""
    path = tmp_path / "settings.json"
    path.write_bytes(b'\xef\xbb\xbf{"token": "T"}')
    done = cli("translate", "--settings", path, *NOW, text=json.dumps(track()))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("workers", "under_way"), [("1", 0), ("2", 4)])
def test_an_interrupt_ends_all_processes(settings_file: Path, workers: str, under_way: int) -> None:
    """Ctrl-C, which reaches the whole process group, ends the command without a traceback."""
    command = subprocess.Popen(
        [
            *(sys.executable, "-m", "translator", "translate"),
            *("--settings", str(settings_file), "--workers", workers, *NOW),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert command.stdin is not None
    assert command.stdout is not None
    # One line more than may be under way, so that there is an answer while input is awaited.
    # Each line fills whole chunks: several processes get no chunk before it is full.
    rest = len(json.dumps(track(properties={"x": ""}))) + 1
    line = json.dumps(track(properties={"x": "a" * (8 * CHUNK_BYTES - rest)})).encode() + b"\n"
    assert len(line) % CHUNK_BYTES == 0
    command.stdin.write(line * (under_way + 1))
    command.stdin.flush()
    assert command.stdout.readline().startswith(b'{"messageId":"m1"')
    os.killpg(command.pid, signal.SIGINT)
    _, err = command.communicate(timeout=60)
    assert (command.returncode, err.decode().strip()) == (1, "Aborted!")


def test_a_closed_pipe_is_no_crash(settings_file: Path, tmp_path: Path) -> None:
    """`| head` ends the command quietly."""
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text((json.dumps(track()) + "\n") * 20_000)
    command = subprocess.Popen(
        [
            *(sys.executable, "-m", "translator", "translate"),
            *("--settings", str(settings_file), *NOW, str(corpus)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdout is not None
    assert command.stdout.readline().startswith(b'{"messageId":"m1"')
    command.stdout.close()
    assert command.stderr is not None
    assert command.stderr.read() == b""
    command.stderr.close()
    assert command.wait(timeout=60) == 1


def test_a_terminal_is_announced_and_ends_once(settings_file: Path) -> None:
    """Without a file the command says that it reads the terminal; one Ctrl-D ends the input."""
    terminal, stdin = os.openpty()
    try:
        os.write(terminal, b"\x04")  # Ctrl-D
        done = subprocess.run(
            [sys.executable, "-m", "translator", "translate", "--settings", str(settings_file)],
            stdin=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(terminal)
        os.close(stdin)
    announced = b"Reading messages from the terminal; end with Ctrl-D, or give a FILE.\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", announced)
