"""Progress of a long comparison on the error stream: a bar on a terminal, lines in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

ProgressCallback = Callable[[int, int], object]
"""Called with the bytes and the messages that are done."""

FIRST_SECONDS, LOG_SECONDS = 10.0, 5.0
"""Seconds until the first line in a log, and between two lines."""


@contextmanager
def progress(
    what: str, total_bytes: int | None, clock: Callable[[], float] = time.monotonic
) -> Iterator[ProgressCallback]:
    """Show the progress of some work; `total_bytes` is None if it is not known."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _log(what, total_bytes, clock)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[messages]:,} messages"),
        TimeRemainingColumn(),
    )
    # A thread that refreshes would get in the way of starting processes.
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
        task = bar.add_task(what, total=total_bytes, messages=0)
        yield lambda done, messages: bar.update(
            task, completed=done, messages=messages, refresh=True
        )


def _log(what: str, total_bytes: int | None, clock: Callable[[], float]) -> ProgressCallback:
    due = clock() + FIRST_SECONDS

    def told(done: int, messages: int) -> None:
        nonlocal due
        now = clock()
        if now < due:
            return
        due = now + LOG_SECONDS
        share = f", {100 * done // total_bytes}%" if total_bytes else ""
        click.echo(f"{what}: {messages:,} messages{share}", err=True)

    return told
