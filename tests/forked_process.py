"""A process of Python that is forked with our packages imported, and used like `subprocess.Popen`.

See `tests.forked` for what it saves. Use a new process where its start is the subject of the test.
"""

import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from tests.forked import context, enter


class ForkedProcess(subprocess.Popen[Any]):
    """A process with the command line `python WORDS`, which begins with `-m MODULE` or `-c CODE`.

    Takes `cwd`, `env`, `stdin`, `stdout`, `stderr`, `text` and `start_new_session` as
    `subprocess.Popen` does. Only the start and the wait differ: the process is a child of the fork
    server.
    """

    def __init__(
        self, words: Sequence[str | Path], *, start_new_session: bool = False, **options: Any
    ) -> None:
        self._forked: ForkServerProcess
        self._leads_session = start_new_session
        super().__init__([str(each) for each in words], **options)

    def _execute_child(self, args: list[str], *rest: Any) -> None:
        """Fork, in place of starting a program; `subprocess.Popen` has made the pipes."""
        _, _, _, _, folder, environment, _, _, _, *pipes = rest
        to_child, _, _, from_child, _, errors = pipes[:6]  # of each pipe, the end of the child
        streams = [
            Connection(os.dup(number if given == -1 else given))
            for number, given in enumerate((to_child, from_child, errors))
        ]
        place = (str(folder or Path.cwd()), dict(environment or os.environ), self._leads_session)
        self._forked = context.Process(target=_become, args=(args, streams, *place))
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
    timeout: float = 120,
    capture_output: bool = False,
    **options: Any,
) -> subprocess.CompletedProcess[Any]:
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
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)


def _become(
    words: list[str],
    streams: list[Connection],
    folder: str,
    environment: Mapping[str, str],
    leads_session: bool,
) -> None:
    """The other process: become the command."""
    if leads_session:
        os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, closefd=False, errors="backslashreplace")
    enter(folder, environment)
    kind, what, *rest = words
    sys.argv = [kind, *rest]
    if kind == "-c":
        exec(what, {"__name__": "__main__"})
    else:
        runpy.run_module(what, run_name="__main__", alter_sys=True)
