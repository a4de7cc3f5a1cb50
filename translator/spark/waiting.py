"""Reports that a job waits for workers: Spark itself waits endlessly without a message."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import click

FIRST_SECONDS = 10
"""Seconds without a worker before the first message."""

LATER_SECONDS = 60
"""Seconds between further messages."""


class Stop(Protocol):
    """Ends the watch, as `threading.Event` does."""

    def wait(self, timeout: float) -> bool:
        """Wait for the end, at most `timeout` seconds; returns whether it has come."""


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
    """The number of worker processes of a job. Spark lists the driver with them."""
    return int(context._jsc.sc().getExecutorMemoryStatus().size()) - 1


def watch(count: Callable[[], int], text: str, stop: Stop) -> None:
    """Print at intervals, until `stop`, that the job has no workers."""
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
