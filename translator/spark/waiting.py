"""Reports that a job waits for workers: Spark itself waits endlessly without a message."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import click

FIRST_SECONDS = 10
"""How long a job may be without a worker until that is told."""

LATER_SECONDS = 60
"""After how long it is told again."""


class Stop(Protocol):
    """Ends the watch, as `threading.Event` does."""

    def wait(self, timeout: float) -> bool:
        """Wait for the end, at most this many seconds; whether it has come."""


@contextmanager
def workers_watched(session: Any) -> Iterator[None]:
    """Watch until the context ends whether a job on a cluster has workers."""
    context = session.sparkContext
    if str(context.master).startswith("local"):
        yield
        return
    conf = context.getConf()
    memory = conf.get("spark.executor.memory", "1g")
    text = (
        f"at {context.master}: it needs a worker with a free core and {memory} of free memory"
        " (spark.executor.memory); the web page of the cluster lists the workers and their jobs"
    )
    stop = threading.Event()
    thread = threading.Thread(
        target=watch, args=(lambda: executors(context), text, stop), daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5)


def executors(context: Any) -> int:
    """How many processes of workers a job has. The driver is listed with them."""
    return int(context._jsc.sc().getExecutorMemoryStatus().size()) - 1


def watch(count: Callable[[], int], text: str, stop: Stop) -> None:
    """Tell at intervals, until the stop, that there are no workers."""
    waited, seconds = 0, FIRST_SECONDS
    while not stop.wait(seconds):
        try:
            has_workers = count() > 0
        except Exception:
            return  # Spark has ended; the error of the job says so.
        waited = 0 if has_workers else waited + seconds
        if waited:
            click.echo(f"the job waits for workers, {waited} s so far, {text}", err=True)
        seconds = FIRST_SECONDS if has_workers else LATER_SECONDS
