"""Cases on several processes at once, with their outcomes in the order of the cases."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import util

from conformance.runner.outcomes import Outcome
from conformance.runner.run import Case, CaseRunner, RunOptions

CHUNK = 8
"""Cases in one task of a process: few enough to finish together, enough to save messages."""

WORTHWHILE = 200
"""With fewer cases than this, starting processes takes longer than it saves."""

_runner: CaseRunner


def usable_cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def outcomes_in_order(options: RunOptions, cases: Sequence[Case], jobs: int) -> Iterator[Outcome]:
    """The outcome of each case, from `jobs` processes, each with a target and a mock of its own.

    The processes end when the iterator is closed.
    """
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload([__name__])
    pool = ProcessPoolExecutor(jobs, context, initializer=_start, initargs=(options,))
    try:
        yield from pool.map(_outcome, cases, chunksize=CHUNK)
    finally:
        pool.shutdown(cancel_futures=True)


def _start(options: RunOptions) -> None:
    global _runner
    # Ctrl-C reaches every process of the terminal; the one that collects decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _runner = CaseRunner(options).__enter__()
    util.Finalize(None, _runner.__exit__, args=(None, None, None), exitpriority=10)


def _outcome(case: Case) -> Outcome:
    return _runner.outcome(case)
