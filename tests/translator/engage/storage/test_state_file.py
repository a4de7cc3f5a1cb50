"""The state file: the same results from it as from memory, and clear errors for a wrong one."""

import errno
import io
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, cast
from unittest.mock import Mock

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import times
from tests.translator.engage.build import DAY, HOUR, T0, track
from tests.translator.engage.computations.test_accumulators import conditions, traits
from tests.translator.engage.test_recomputation import arrivals, message_of
from tests.translator.engage.test_schedule import definitions, groups
from translator.cli import main
from translator.engage import Engage, definitions_from_json, read_definitions
from translator.engage.storage import resumable, state_file
from translator.engage.storage.positions import START, PositionedOutput
from translator.engage.storage.resumable import ResumableRun
from translator.engage.storage.state_file import RunPosition, StateFile

Json = dict[str, Any]
NOWHERE = RunPosition("in", START, "out", START)

DEFINITIONS = """
computed_traits:
  - {name: Total, computation: sum, event: X, property: n}
audiences:
  - {name: Active, users_who: [{performed: X, within_days: 1}], send: [track]}
"""


@settings(max_examples=times(12, 100), deadline=None)
@given(groups, traits, conditions, arrivals, st.sets(st.integers(0, 25)), st.data())
def test_reopened_at_any_point(
    audience: list[list[Any]],
    trait: Json,
    condition: Json,
    rows: list[Any],
    reopened: set[int],
    data: st.DataObject,
) -> None:
    """Wherever the file is closed and opened again, the messages are those of one Engage."""
    described = definitions(audience, trait)
    first = {"name": "First", "users_who": [condition], "created_at": "2026-06-17T12:00:00Z"}
    described["audiences"].append(first)
    defined = definitions_from_json(described)
    emails = st.sampled_from([None, None, "p@x.example", "q@x.example"])
    engage = Engage(defined, remember=5)
    expected, made = [], []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        state = StateFile(path, defined, {}, remember=5, in_memory=1)
        for number, row in enumerate(rows):
            if number in reopened:
                state.close()
                state = StateFile(path, defined, {}, remember=5, in_memory=1)
            message = message_of(row) | {"messageId": f"m-{number % 8}"}
            message["context"] = {"traits": {"email": data.draw(emails)}}
            now_ms = T0 + row[0]
            expected += engage.take(message, now_ms)
            made += state.engage.take(message, now_ms)
            state.commit(NOWHERE)
        for now_ms in (T0 + 2 * DAY, T0 + 8 * DAY):
            state.close()
            state = StateFile(path, defined, {}, remember=5, in_memory=1)
            expected += engage.advance(now_ms)
            made += state.engage.advance(now_ms)
            state.commit(NOWHERE)
        for each in defined:
            assert list(state.engage.sent_to(each.key)) == list(engage.sent_to(each.key))
        assert state.engage.ignored == engage.ignored
        state.close()
    assert made == expected


def test_without_a_commit_nothing_is_kept(tmp_path: Path) -> None:
    """What was taken after the last commit is taken again."""
    defined = definitions_from_json(
        {"computed_traits": [{"name": "A", "computation": "event_counter", "event": "X"}]}
    )
    state = StateFile(tmp_path / "state", defined, {})
    state.engage.take(track(messageId="m-1"), T0)
    state.commit(NOWHERE)
    lost = state.engage.take(track(messageId="m-2"), T0)
    state.close()
    state = StateFile(tmp_path / "state", defined, {})
    assert state.engage.take(track(messageId="m-1"), T0) == []
    assert state.engage.take(track(messageId="m-2"), T0) == lost
    state.close()


class Runs:
    """A folder with definitions, settings and messages, and runs of the command in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("definitions.yaml", DEFINITIONS)
        self.write("settings.json", '{"token": "T", "people": true}')
        self.write("in.jsonl", self.lines(range(4)))

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    @staticmethod
    def lines(numbers: range) -> str:
        """Lines with one event an hour."""
        return "".join(
            json.dumps(track(at=T0 + number * HOUR, messageId=f"m-{number}", properties={"n": 1}))
            + "\n"
            for number in numbers
        )

    def run(self, *options: str, stdin: str | None = None) -> Result:
        """Run with the files of the folder, unless options name others."""
        arguments = ["--definitions", "definitions.yaml", "--settings", "settings.json"]
        arguments += ["--now", "2026-06-17T12:00:00Z"]
        arguments += ["--state", "state", "--output", "out.jsonl", *options]
        command = ["engage", *arguments, *(["in.jsonl"] if stdin is None else [])]
        return CliRunner().invoke(main, command, input=stdin)

    def interrupt(self, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
        """A run that stops after so many commits, with output that was not committed."""
        commit, left = StateFile.commit, [after]

        def interrupted(state: StateFile, run: RunPosition) -> None:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            commit(state, run)

        with monkeypatch.context() as patch:
            patch.setattr(StateFile, "commit", interrupted)
            patch.setattr(resumable, "COMMIT_STEPS", 7)  # the four lines and three updates
            assert self.run().exit_code == 1


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    before = Path.cwd()
    os.chdir(tmp_path)
    yield Runs(tmp_path)
    os.chdir(before)


def interrupted(*_: object) -> None:
    """Stands for a run that ends before its end."""
    raise KeyboardInterrupt


def totals(text: str) -> list[Any]:
    """The values of the trait in an output."""
    made = map(json.loads, text.splitlines())
    return [each["traits"]["total"] for each in made if each["type"] == "identify"]


def test_only_the_owner_reads_it(runs: Runs) -> None:
    """The file has the mode 0600."""
    assert runs.run().exit_code == 0
    assert stat.S_IMODE((runs.folder / "state").stat().st_mode) == 0o600


def test_nothing_is_left_to_do(runs: Runs) -> None:
    """A second run over the same input adds nothing to the output."""
    runs.run()
    before = runs.read("out.jsonl")
    assert runs.run().exit_code == 0
    assert (totals(before), runs.read("out.jsonl")) == ([1, 2, 3, 4], before)


def test_a_file_that_grows(runs: Runs) -> None:
    """Lines that were appended are read alone, and what they cause is appended."""
    runs.run()
    before = runs.read("out.jsonl")
    runs.write("in.jsonl", runs.lines(range(4)) + "{\n" + runs.lines(range(4, 6)))
    result = runs.run()
    assert result.stderr.startswith("line 5: not_json: ")
    after = runs.read("out.jsonl")
    assert (after.startswith(before), totals(after)) == (True, [1, 2, 3, 4, 5, 6])


def test_an_incomplete_last_line(runs: Runs) -> None:
    """A last line that is still being written is reported, and read again when it is complete."""
    complete = runs.lines(range(6))
    for size in (-20, -10):  # in the same line
        runs.write("in.jsonl", complete[:size])
        result = runs.run()
        assert (result.exit_code, result.stderr[:17]) == (1, "line 6: not_json:")
    runs.write("in.jsonl", complete)
    assert (runs.run().exit_code, runs.run().exit_code) == (0, 0)
    assert totals(runs.read("out.jsonl")) == [1, 2, 3, 4, 5, 6]


def test_the_next_file(runs: Runs) -> None:
    """Another input continues the computation, and another output has only what is new."""
    runs.run()
    runs.write("in.jsonl", runs.lines(range(4, 6)))
    (runs.folder / "in.jsonl").rename(runs.folder / "next.jsonl")
    runs.write("in.jsonl", runs.lines(range(4)))
    assert runs.run("next.jsonl", "--output", "next-out.jsonl", stdin="").exit_code == 0
    assert totals(runs.read("next-out.jsonl")) == [5, 6]
    assert runs.run().exit_code == 0


def test_standard_input(runs: Runs) -> None:
    """Standard input after a finished run is new."""
    for numbers in (range(4), range(4, 6)):
        assert runs.run(stdin=runs.lines(numbers)).exit_code == 0
    assert totals(runs.read("out.jsonl")) == [1, 2, 3, 4, 5, 6]


def test_a_pipe(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe with another name in each run, as a shell makes, is treated as standard input."""

    def run_with_pipe() -> Result:
        read, write = os.pipe()
        os.write(write, runs.lines(range(4)).encode())
        os.close(write)
        try:
            return runs.run(f"/dev/fd/{read}", stdin="")
        finally:
            os.close(read)

    with monkeypatch.context() as patch:
        patch.setattr(ResumableRun, "process", interrupted)
        assert run_with_pipe().exit_code == 1
    held = os.pipe()  # so that the next pipe has another number
    assert run_with_pipe().exit_code == 0
    for each in held:
        os.close(each)
    assert totals(runs.read("out.jsonl")) == [1, 2, 3, 4]


@pytest.mark.parametrize("after", [1, 2])
def test_an_interrupted_run(runs: Runs, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """It continues with the same files, and its output is cut to what was committed."""
    runs.run("--state", "other", "--output", "expected.jsonl")
    runs.interrupt(monkeypatch, after)
    assert runs.run().exit_code == 0
    assert runs.read("out.jsonl") == runs.read("expected.jsonl")


def test_the_output_is_cut(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written after the last commit is not in the output, even if less follows it."""
    earlier = ("--now", "2026-06-15T16:00:00Z")
    runs.run("--state", "other", "--output", "expected.jsonl", *earlier)
    runs.interrupt(monkeypatch, 2)
    assert runs.read("out.jsonl").startswith(runs.read("expected.jsonl") + "{")
    assert runs.run(*earlier).exit_code == 0
    assert runs.read("out.jsonl") == runs.read("expected.jsonl")


def test_an_interrupted_run_comes_first(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before an interrupted run is finished, other files are refused."""
    runs.interrupt(monkeypatch, 2)
    result = runs.run("--output", "other.jsonl")
    assert (result.exit_code, "was interrupted; it read" in result.stderr) == (2, True)
    assert runs.run(stdin="").exit_code == 2


def test_an_interrupted_run_whose_output_is_gone(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error does not say to give another name, which an interrupted run refuses."""
    runs.interrupt(monkeypatch, 2)
    (runs.folder / "out.jsonl").unlink()
    result = runs.run()
    hint = "put the file back, or give a new state file and all messages"
    assert (result.exit_code, hint in result.stderr) == (2, True)


def test_a_full_disk(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to do, and the next run continues."""
    runs.run("--state", "other", "--output", "expected.jsonl")
    with monkeypatch.context() as patch:
        error = OSError(errno.ENOSPC, "No space left on device")
        patch.setattr(PositionedOutput, "sync", Mock(side_effect=error))
        result = runs.run()
    hint = "No space left on device (make room on the disk and run the command again)"
    assert (result.exit_code, hint in result.stderr) == (2, True)
    assert runs.run().exit_code == 0
    assert runs.read("out.jsonl") == runs.read("expected.jsonl")


def test_invalid_lines_before_an_interruption(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit status tells of invalid lines that an interrupted part of the run has met."""
    runs.write("in.jsonl", "{\n" + runs.read("in.jsonl"))
    runs.interrupt(monkeypatch, 2)
    assert [runs.run().exit_code, runs.run().exit_code] == [1, 0]


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("definitions.yaml", DEFINITIONS.replace("sum", "max"), "definitions"),
        ("settings.json", '{"token": "other"}', "settings"),
        (None, "--rules=observed", "--rules"),
        (None, "--translate", "--translate"),
    ],
)
def test_other_settings(runs: Runs, name: str | None, text: str, what: str) -> None:
    """A file that was made with other definitions or options is refused, and stays as it was."""
    runs.run()
    before = runs.read("out.jsonl")
    options = []
    if name is None:
        options = [text]
    else:
        runs.write(name, text)
    result = runs.run(*options)
    expected = f"state was made with other {what}: its state cannot be used with these"
    assert (result.exit_code, expected in result.stderr) == (2, True)
    assert runs.read("out.jsonl") == before


def test_the_form_of_the_definitions_does_not_matter(runs: Runs) -> None:
    """A comment or another order of keys is not another definition."""
    runs.run()
    runs.write("definitions.yaml", "# ours\n" + DEFINITIONS)
    assert runs.run().exit_code == 0


def flip(path: Path, what: bytes) -> None:
    """Change the last byte of this text wherever it is in the file."""
    data = path.read_bytes()
    assert what in data
    path.write_bytes(data.replace(what, what[:-1] + bytes([what[-1] ^ 1])))


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zeros(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [garbage, cut, zeros, lambda path: flip(path, b'["u"'), lambda path: flip(path, b'"taken"')],
    ids=["garbage", "cut", "zeros", "a person", "the progress"],
)
def test_damage(runs: Runs, damage: Any) -> None:
    """A damaged file gives one error, and the output stays as it was."""
    runs.run()
    before = runs.read("out.jsonl")
    damage(runs.folder / "state")
    runs.write("in.jsonl", runs.lines(range(6)))
    result = runs.run()
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "the state file state cannot be used: " in result.stderr
    assert runs.read("out.jsonl") == before


def test_another_database(runs: Runs) -> None:
    """Another program's SQLite file is refused and not changed."""
    import sqlite3

    with sqlite3.connect(runs.folder / "state") as db:
        db.execute("CREATE TABLE people (name TEXT)")
    db.close()
    before = (runs.folder / "state").read_bytes()[100:]
    result = runs.run()
    assert "state is not a state file of this version of engage" in result.stderr
    assert (runs.folder / "state").read_bytes()[100:] == before


def test_killed_while_the_tables_are_made(runs: Runs) -> None:
    """The file is then empty or complete, so that the next run can use it."""
    import sqlite3

    for number in range(len(state_file._SCHEMA.split(";")) - 1):
        db = sqlite3.connect(runs.folder / f"state-{number}", isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(";".join(state_file._SCHEMA.split(";")[:number]) + ";")
        db.close()
        result = runs.run("--state", f"state-{number}", "--output", f"out-{number}")
        assert (result.exit_code, result.stderr) == (0, "")


def test_another_file_keeps_its_mode(runs: Runs, tmp_path: Path) -> None:
    """A file that is not a state file, or a pipe, is refused before its mode is changed."""
    (tmp_path / "text").write_text("ours")
    os.mkfifo(tmp_path / "pipe")
    for name in ("text", "pipe"):
        (tmp_path / name).chmod(0o644)
        result = runs.run("--state", name)
        assert "cannot be used: " in result.stderr
        assert (result.exit_code, stat.S_IMODE((tmp_path / name).stat().st_mode)) == (2, 0o644)


def test_in_use(runs: Runs) -> None:
    """A second process that uses the same file is refused."""
    runs.run()
    state = StateFile(runs.folder / "used", (), {})
    result = runs.run("--state", "used")
    state.close()
    assert (result.exit_code, "another process uses it" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("in.jsonl", "", "the input {}/in.jsonl has 0 bytes, but"),
        ("in.jsonl", Runs.lines(range(5, 9)), "in.jsonl does not start with what was used before"),
        ("out.jsonl", "{}\n", "--output out.jsonl has 3 bytes, but"),
        ("out.jsonl", None, "--output out.jsonl has more"),
    ],
)
def test_other_files_of_the_same_name(
    runs: Runs, name: str, text: str | None, expected: str
) -> None:
    """An input or output that is not the one of the last run is refused and not changed."""
    runs.run()
    if text is None:
        text = runs.read(name) + "{}\n"
        expected = f"--output out.jsonl has {len(text)} bytes, but {len(text) - 3} bytes"
    runs.write(name, text)
    result = runs.run()
    assert expected.format(runs.folder) in result.stderr
    assert (result.exit_code, runs.read(name)) == (2, text)


def test_an_output_that_was_moved_away(runs: Runs) -> None:
    """After a finished run the output may be gone; the next one begins anew."""
    runs.run()
    (runs.folder / "out.jsonl").unlink()
    runs.write("in.jsonl", runs.lines(range(6)))
    assert runs.run().exit_code == 0
    assert totals(runs.read("out.jsonl")) == [5, 6]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--unset", "total"], "--state does not go with --unset"),
        (["--output", "state"], "must be different files"),
        (["--output", "in.jsonl"], "must be different files"),
        (["--output", "missing/out.jsonl"], "--output missing/out.jsonl: "),
        (["--output", "/dev/null"], "is not a regular file"),
        (["--state", "missing/state"], "the state file missing/state cannot be used"),
    ],
)
def test_wrong_usage(runs: Runs, options: list[str], expected: str) -> None:
    """What cannot work is refused with status 2, and the input stays as it was."""
    result = runs.run(*options)
    assert (result.exit_code, expected in result.stderr) == (2, True)
    assert runs.read("in.jsonl") == runs.lines(range(4))


def test_a_state_needs_an_output(runs: Runs) -> None:
    """What standard output was given cannot be taken back, so --state needs --output."""
    command = ["engage", "--definitions", "definitions.yaml", "--settings", "settings.json"]
    result = CliRunner().invoke(main, [*command, "--state", "state", "in.jsonl"])
    assert "--state needs --output" in result.stderr
    assert not (runs.folder / "state").exists()


def test_a_line_that_is_too_long(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line over the limit stops only itself, and the position after it is right."""
    monkeypatch.setattr("translator.bulk.MAX_LINE_BYTES", 1000)
    monkeypatch.setattr("translator.bulk.CHUNK_BYTES", 700)
    first = runs.lines(range(2)) + "x" * 5000 + "\n"
    runs.write("in.jsonl", first + runs.lines(range(2, 4)))
    assert runs.run().exit_code == 1
    runs.write("in.jsonl", first + runs.lines(range(2, 6)))
    assert runs.run().exit_code == 0
    assert totals(runs.read("out.jsonl")) == [1, 2, 3, 4, 5, 6]


def test_what_has_arrived_is_committed_before_a_wait(runs: Runs) -> None:
    """While standard input is open and no line is ready, the output has what the lines caused."""
    read, write = os.pipe()
    state = StateFile(runs.folder / "state", read_definitions(DEFINITIONS), {})
    seen: list[list[Any]] = []

    def lines_in_turn() -> None:
        seen.append(totals(runs.read("out.jsonl")))
        numbers = next(turns, None)
        os.write(write, b"" if numbers is None else runs.lines(numbers).encode())
        if numbers is None:
            os.close(write)

    class Source(io.RawIOBase):
        def fileno(self) -> int:
            return read

        def read(self, size: int = -1) -> bytes:
            lines_in_turn()
            return os.read(read, size)

    turns = iter([range(2), range(2, 3)])
    run = resumable.ResumableRun(state, "-", cast(BinaryIO, Source()), runs.folder / "out.jsonl")
    run.process(T0 + DAY, lambda made: (json.dumps(made).encode() + b"\n", False), print)
    run.close()
    state.close()
    os.close(read)
    assert seen == [[], [1, 2], [1, 2, 3]]


def test_a_file_is_committed_in_large_parts(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A regular file is never waited for, so the ends of its blocks are not committed."""
    monkeypatch.setattr("translator.bulk.CHUNK_BYTES", 200)
    commits = []
    commit = StateFile.commit

    def counted(state: StateFile, run: RunPosition) -> None:
        commits.append(run.read.lines)
        commit(state, run)

    monkeypatch.setattr(StateFile, "commit", counted)
    assert runs.run().exit_code == 0
    assert commits == [0, 4]
