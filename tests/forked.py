"""Runs a module as a command in a process that begins with our packages imported.

A new process of Python needs 0.3 to 1 s of a core to import them; a fork of a process that has
imported them needs a tenth of that. Use a new process where its start is the subject of the test.
"""

import gc
import multiprocessing
import os
import runpy
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory

TIME_LIMIT_SECONDS = 120

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(
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


def run_forked(
    module: str,
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    first: Callable[[], object] | None = None,
) -> CompletedProcess[str]:
    """Run `python -W error -m MODULE` in a folder; its exit status and output.

    Without `env` it has the environment of the test. The process calls `first` before the module
    runs. Raises TimeoutError after two minutes.
    """
    words = [str(each) for each in arguments]
    with TemporaryDirectory() as folder:
        outputs = [Path(folder, name) for name in ("stdout", "stderr")]
        environment = dict(os.environ if env is None else env)
        process = context.Process(
            target=_run, args=(module, words, cwd, environment, outputs, first)
        )
        process.start()
        process.join(TIME_LIMIT_SECONDS)
        code = process.exitcode
        if code is None:
            process.kill()
            process.join()
            raise TimeoutError(f"{module} {words}: not over after {TIME_LIMIT_SECONDS} s")
        texts = [output.read_text() for output in outputs]
    return CompletedProcess([module, *words], code, *texts)


def _run(
    module: str,
    words: list[str],
    folder: Path,
    environment: dict[str, str],
    outputs: list[Path],
    first: Callable[[], object] | None,
) -> None:
    """The other process: become the command."""
    for number, output in enumerate(outputs, 1):
        with output.open("w") as file:
            os.dup2(file.fileno(), number)
    enter(folder, environment)
    sys.warnoptions[:] = ["error"]
    warnings.simplefilter("error")
    sys.argv = [module, *words]
    if first is not None:
        first()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def enter(folder: str | Path, environment: Mapping[str, str]) -> None:
    """Give a forked process its folder and its environment, as a new process of Python has them."""
    gc.freeze()  # what was imported stays
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.path.insert(0, str(folder))
