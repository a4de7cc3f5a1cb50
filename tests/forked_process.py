"""Processes of Python that are forked with our packages imported.

A new process of Python needs 0.3 to 1 s of a core to import our packages; a fork of a process that
has imported them needs a tenth of that. Use a new process where its start is the subject of the
test.
"""

import gc
import multiprocessing
import os
import runpy
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

TIME_LIMIT_SECONDS = 120

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "pytest",
        "_pytest.config",
        "deepdiff",
        "jsonschema",
        "uvicorn.lifespan.off",
        "uvloop",
        "xdist.plugin",
        "conformance.commands",
        "conformance.corpus.command",
        "conformance.migration.command",
        "conformance.parity.command",
        "conformance.pytest_plugin",
        "conformance.regression.command",
        "conformance.reports.compare_command",
        "conformance.runner.command",
        "mock_mixpanel.cli",
        "mock_mixpanel.pytest_plugin",
        "mock_mixpanel.serving.server",
        "translator.cli",
        "translator.commands",
        "translator.engage.cli",
        "translator.gateway.cli",
        "translator.sender.commands.cli",
    ]
)


class ForkedProcess(subprocess.Popen[Any]):
    """A process with the command line `python WORDS`, which begins with `-m MODULE` or `-c CODE`.

    Takes `cwd`, `env`, `stdin`, `stdout`, `stderr`, `text` and `start_new_session` as
    `subprocess.Popen` does. The process calls `first` before its command runs. Only the start and
    the wait differ from `Popen`: the process is a child of the fork server.
    """

    def __init__(
        self,
        words: Sequence[str | Path],
        *,
        start_new_session: bool = False,
        first: Callable[[], object] | None = None,
        **options: Any,
    ) -> None:
        self._forked: ForkServerProcess
        self._leads_session = start_new_session
        self._first = first
        super().__init__([str(each) for each in words], **options)

    def _execute_child(self, args: list[str], *rest: Any) -> None:
        """Fork, in place of starting a program; `subprocess.Popen` has made the pipes."""
        _, _, _, _, folder, environment, _, _, _, *pipes = rest
        to_child, _, _, from_child, _, errors = pipes[:6]  # of each pipe, the end of the child
        streams = [
            Connection(os.dup(number if given == -1 else given))
            for number, given in enumerate((to_child, from_child, errors))
        ]
        place = (str(folder or Path.cwd()), dict(environment or os.environ))
        begin = (self._leads_session, self._first)
        self._forked = _context.Process(target=_run_command, args=(args, streams, *place, *begin))
        self._forked.start()
        for each in streams:
            each.close()
        self._close_pipe_fds(*pipes[:6])  # type: ignore[attr-defined]
        assert self._forked.pid is not None
        self.pid, self._child_created = self._forked.pid, True

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None:
            self.returncode = self._forked.exitcode
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        self._forked.join(timeout)
        code = self._internal_poll()
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code


def run_command(
    words: Sequence[str | Path],
    *,
    input: str | bytes | None = None,
    timeout: float = TIME_LIMIT_SECONDS,
    capture_output: bool = False,
    **options: Any,
) -> CompletedProcess[Any]:
    """Like `subprocess.run`, in a forked process."""
    if capture_output:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if input is not None:
        options["stdin"] = subprocess.PIPE
    with ForkedProcess(words, **options) as process:
        try:
            out, error = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    return CompletedProcess(process.args, process.returncode, out, error)


def run_module(
    module: str,
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    first: Callable[[], object] | None = None,
) -> CompletedProcess[str]:
    """Run `python -W error -m MODULE` in a folder, with an empty input; its status and output.

    Without `env` it has the environment of the test. Raises subprocess.TimeoutExpired after two
    minutes.
    """
    return run_command(
        ["-W", "error", "-m", module, *arguments],
        cwd=cwd,
        env=env,
        first=first,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def _run_command(
    words: list[str],
    streams: list[Connection],
    folder: str,
    environment: Mapping[str, str],
    leads_session: bool,
    first: Callable[[], object] | None,
) -> None:
    """The body of the forked process: take its streams and its environment, and run the command."""
    if leads_session:
        os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, closefd=False, errors="backslashreplace")
    gc.freeze()  # what was imported stays
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.path.insert(0, folder)
    if words[:2] == ["-W", "error"]:
        sys.warnoptions[:] = ["error"]
        warnings.simplefilter("error")
        words = words[2:]
    kind, what, *rest = words
    sys.argv = [kind if kind == "-c" else what, *rest]
    if first is not None:
        first()
    if kind == "-c":
        exec(what, {"__name__": "__main__"})
    else:
        runpy.run_module(what, run_name="__main__", alter_sys=True)
