"""A run of Engage that continues where the last one with the same state file ended."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from translator.core.operations import Failure, Json
from translator.engage.storage.positions import (
    START,
    PositionedLines,
    PositionedOutput,
    PositionError,
)
from translator.engage.storage.state_file import RunPosition, StateFile, StateFileError
from translator.engage.stream import run

STANDARD_INPUT = "-"
COMMIT_STEPS = 20_000
"""Maximum number of steps between two commits, so that memory stays bounded."""


class ResumableRun:
    """One run over one input, into one output file. Close it at the end.

    `input_name` is the path of a regular file, or `STANDARD_INPUT` for any stream. After a run
    that was interrupted only the same input and output are accepted. After one that was finished,
    a file that was read before is read from where it ended then, and a stream is new. Raises
    `StateFileError` if the state does not fit the files, and OSError.
    """

    def __init__(self, state: StateFile, input_name: str, source: BinaryIO, output: Path) -> None:
        self._state = state
        at = _start(state, input_name, output)
        try:
            self._lines = PositionedLines(source, at.read)
        except PositionError as error:
            raise _other_file(state, f"the input {input_name}", error) from error
        ended = state.run is not None and state.run.finished
        try:
            self._output = PositionedOutput(output, at.written, ended=ended)
        except PositionError as error:
            raise _other_file(state, f"--output {output}", error) from error
        self._at = at
        self._state.commit(at)

    def process(
        self,
        now_ms: int,
        encode: Callable[[Json], tuple[bytes, bool]],
        report: Callable[[int, Failure], None],
    ) -> bool:
        """Process the rest of the input, then let time pass until `now_ms`.

        `encode` gives the line for a message, and whether it is an error. `report` is called with
        the number of each invalid line and the reason. Returns whether there was no error since
        the run was started first.

        A last line that is invalid and has no line break may be incomplete: it is reported, and the
        next run reads it again.
        """
        uncommitted = 0
        incomplete = 0
        done = self._at.read.lines
        is_file = Path(self._at.input).is_file()
        for step in run(self._lines, self._state.engage, now_ms, done=done):
            if step.failure is not None:
                report(step.lines, step.failure)
                self._at = self._at._replace(failed=True)
                incomplete = self._lines.is_at_incomplete_line(step.lines)
            for made in step.messages:
                line, is_error = encode(made)
                self._output.write(line)
                if is_error:
                    self._at = self._at._replace(failed=True)
            is_end_of_block = done < step.lines == self._lines.lines
            done = step.lines
            uncommitted += 1
            # Commit the lines that arrived before waiting for the next line.
            waits = is_end_of_block and not is_file and self._lines.may_wait()
            if uncommitted >= COMMIT_STEPS or waits:
                self._commit(done - incomplete)
                uncommitted = 0
        self._commit(done - incomplete, finished=True)
        return not self._at.failed

    def _commit(self, lines: int, *, finished: bool = False) -> None:
        self._at = self._at._replace(
            read=self._lines.position(lines), written=self._output.sync(), finished=finished
        )
        self._state.commit(self._at)

    def close(self) -> None:
        """Close the output."""
        self._output.close()


def _start(state: StateFile, input_name: str, output: Path) -> RunPosition:
    """The positions at which the run starts."""
    last, path = state.run, str(output.resolve())
    if last is not None and not last.finished:
        if (last.input, last.output) != (input_name, path):
            name = "standard input" if last.input == STANDARD_INPUT else last.input
            raise StateFileError(
                f"the last run with {state.path} was interrupted; it read {name} and wrote"
                f" {last.output}: repeat it with these before you use others"
            )
        return last
    is_new_stream = input_name == STANDARD_INPUT
    read = START if is_new_stream else state.input_position(input_name)
    continues = last is not None and last.output == path and output.exists()
    written = last.written if last is not None and continues else START
    return RunPosition(input_name, read, path, written)


def _other_file(state: StateFile, name: str, error: PositionError) -> StateFileError:
    if state.run is None or state.run.finished:
        hint = "give the same file, or a new name for a new file"
    else:
        hint = (
            "the last run was interrupted and needs it: put the file back, or give a new state file"
            " and all messages"
        )
    return StateFileError(f"{name} {error}, says the state file {state.path}; {hint}")
