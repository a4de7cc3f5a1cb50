"""A run with a state file that is killed at any point neither doubles nor loses a call."""

import json
import multiprocessing
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

from tests.translator.engage.build import DAY, HOUR, T0, track
from translator.cli import main
from translator.engage import cli
from translator.engage.storage import resumable, state_file

DEFINITIONS = """
computed_traits:
  - {name: Total, computation: sum, event: X, property: n}
  - {name: Most, computation: max, event: X, property: n, lookback_days: 2}
audiences:
  - {name: Active, users_who: [{performed: X, within_days: 1}], send: [identify, track]}
  - {name: Left, users_who: [{performed: X, then: {did_not_perform: Y}}]}
  - {name: Later, users_who: [{performed: X}], created_at: "2026-06-18T12:00:00Z"}
"""
MESSAGES = 600
PEOPLE = 20
MOST_CALLS = 100_000
KILLS = 5


def write_files(folder: Path) -> None:
    """Definitions, settings and messages: calls, addresses, aliases, repeated and invalid lines."""
    generator = random.Random(1)
    lines = []
    for number in range(MESSAGES):
        at = T0 + number * 5 * DAY // MESSAGES
        user = f"user-{generator.randrange(PEOPLE)}"
        message = track(generator.choice("XXYZ"), at - generator.choice([0, 0, HOUR]), user)
        message |= {"messageId": f"m-{number - (number % 9 == 0)}"}
        message["properties"] = {"n": generator.randrange(100) / 10}
        if number % 20 == 0:
            message |= {"type": "identify", "traits": {"email": f"{number % 60}@x.example"}}
        if number % 50 == 0:
            message |= {"type": "alias", "previousId": f"user-{generator.randrange(PEOPLE)}"}
        lines.append("{" if number % 100 == 7 else json.dumps(message))
    (folder / "in.jsonl").write_text("".join(f"{line}\n" for line in lines))
    (folder / "definitions.yaml").write_text(DEFINITIONS)
    (folder / "settings.json").write_text('{"token": "T", "people": true}')


def run_command(folder: Path, output: str, calls: int | None, *options: str) -> None:
    """Run the command in this process, which kills itself at its last allowed call of a function.

    Calls are counted from the opening of the state file. A call of SQLite, of the file system, and
    of any function of Python counts.
    """
    resumable.COMMIT_STEPS = 40  # many commits, and few people in memory
    state_file.MAX_IN_MEMORY = 10
    left = iter(range(calls or 0))

    def count(*_: object) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    def run_with_state(*arguments: Any) -> Any:
        if calls is not None:
            sys.setprofile(count)
        return original(*arguments)

    original = cli._run_with_state
    cli._run_with_state = run_with_state  # type: ignore[assignment]
    files = ["--definitions", "definitions.yaml", "--settings", "settings.json"]
    names = [str(folder / each) if "." in each else each for each in files]
    now = ["--now", "2026-06-25T00:00:00Z"]
    out = ["--output", str(folder / output)]
    main(["engage", *names, *now, *out, *options, str(folder / "in.jsonl")])


def test_kills_at_random_points(tmp_path: Path) -> None:
    """The output is that of a run without a state file, byte for byte, after many kills."""
    write_files(tmp_path)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "jsonschema.validators"])
    generator = random.Random(2)

    def exit_code(*arguments: object) -> int | None:
        process = context.Process(target=run_command, args=(tmp_path, *arguments))
        process.start()
        process.join()
        return process.exitcode

    assert exit_code("expected.jsonl", None) == 1  # some lines are invalid
    state = ("--state", str(tmp_path / "state"))
    kills = 0
    while (
        code := exit_code("made.jsonl", generator.randrange(MOST_CALLS), *state)
    ) == -signal.SIGKILL:
        kills += 1
    assert (code, kills > KILLS) == (1, True)
    expected = (tmp_path / "expected.jsonl").read_bytes()
    assert expected.count(b"\n") > MESSAGES
    assert (tmp_path / "made.jsonl").read_bytes() == expected
