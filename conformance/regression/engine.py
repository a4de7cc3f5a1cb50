"""Compare a whole corpus on all cores, in order and in bounded memory.

The parent process reads the corpus in chunks; worker processes compare them, each with both sides
of its own. A worker gets several chunks at a time. At most two such groups of chunks for each
worker are in memory.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import replace

from conformance.corpus.reading import Chunk, read_corpus
from conformance.errors import EngineError
from conformance.regression.differences.comparison import ChunkComparer, DiffJob
from conformance.regression.differences.counts import DiffCounts
from conformance.regression.sides.driver_side import DriverSide
from conformance.regression.sides.refs import Ref
from conformance.regression.sides.revisions import checked_out
from conformance.regression.sides.side import OurSide, Side
from translator.garbage_collection import collect_rarely, rare_collection

TASK_BYTES = 1 << 19
"""A worker gets chunks of this size in all at a time. Each task costs the parent time."""

TASK_PART = 8
"""A task is about an eighth of the corpus before it, so that the workers share a small corpus."""

Progress = Callable[[int, int], object]
"""Called after each chunk with the bytes and the messages that are done."""


def compare_corpus(
    files: Sequence[str],
    job: DiffJob,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> DiffCounts:
    """The differences for the messages of some files.

    `workers` is the number of processes, by default one for each core. Raises DataError for a file
    that cannot be read to its end, and what the sides raise.
    """
    workers = workers or len(os.sched_getaffinity(0))
    total = DiffCounts()
    with (
        checked_out(job.old) as old,
        checked_out(job.new) as new,
        closing(read_corpus(files)) as chunks,
    ):
        job = replace(job, old=old, new=new)
        for ref in (old, new):
            with closing(opened(ref)) as side:
                side.check(job.settings)
        parts = _in_parallel(chunks, job, workers) if workers > 1 else _in_process(chunks, job)
        for position, counts in parts:
            total.add(counts)
            if progress:
                progress(position, total.messages)
    total.settle()
    return total


def opened(ref: Ref) -> Side:
    """The side of a REF that was checked out; the caller closes it."""
    return OurSide(ref) if ref.command is None else DriverSide(ref)


def _in_process(chunks: Iterator[Chunk], job: DiffJob) -> Iterator[tuple[int, DiffCounts]]:
    with (
        closing(opened(job.old)) as old,
        closing(opened(job.new)) as new,
        rare_collection(),
    ):
        comparer = ChunkComparer(job, old, new)
        for chunk in chunks:
            yield chunk.position, comparer.compare(chunk)


def _in_parallel(
    chunks: Iterator[Chunk], job: DiffJob, workers: int
) -> Iterator[tuple[int, DiffCounts]]:
    under_way: deque[tuple[int, Future[DiffCounts]]] = deque()
    pool = ProcessPoolExecutor(workers, initializer=_begin, initargs=(job,))
    try:
        for task in _tasks(chunks):
            under_way.append((task[-1].position, pool.submit(_compare_chunks, task)))
            if len(under_way) > 2 * workers:
                position, future = under_way.popleft()
                yield position, future.result()
        for position, future in under_way:
            yield position, future.result()
    except BrokenProcessPool as error:
        raise EngineError("a worker process ended before it answered") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _tasks(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """The chunks in groups for one worker each."""
    task: list[Chunk] = []
    before = size = 0
    for chunk in chunks:
        task.append(chunk)
        size += len(chunk.data)
        if size >= min(TASK_BYTES, before // TASK_PART):
            yield task
            before += size
            task, size = [], 0
    if task:
        yield task


_comparer: ChunkComparer


def _begin(job: DiffJob) -> None:
    global _comparer
    # Ctrl-C reaches every process; a worker that it ends leaves the parent waiting endlessly.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_rarely()
    _comparer = ChunkComparer(job, opened(job.old), opened(job.new))


def _compare_chunks(chunks: Sequence[Chunk]) -> DiffCounts:
    total = DiffCounts()
    for chunk in chunks:
        total.add(_comparer.compare(chunk))
    return total
