"""Runs a command in the process of the test: a process of its own takes 0.2 to 0.5 s to start."""

from contextlib import chdir, nullcontext
from pathlib import Path
from subprocess import CompletedProcess

import click
from click.testing import CliRunner


def run_here(
    main: click.Command, *arguments: str | Path, cwd: Path | None = None, text: str = ""
) -> CompletedProcess[str]:
    """Run a command with `text` as standard input; its exit status and output.

    An exception that would end the process with a traceback is raised. The standard input has no
    file descriptor: `send` needs a file.
    """
    words = [str(each) for each in arguments]
    with chdir(cwd) if cwd else nullcontext():
        done = CliRunner().invoke(main, words, input=text)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return CompletedProcess(words, done.exit_code, done.stdout, done.stderr)
