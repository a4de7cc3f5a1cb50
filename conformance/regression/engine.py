"""Compare a whole corpus on all cores, in order and in bounded memory.

The parent process reads the corpus in chunks; worker processes compare them, each with both sides
of its own. At most two chunks for each worker are in memory.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import replace

from conformance.corpus.reading import Chunk, read_corpus
from conformance.errors import EngineError
from conformance.regression.comparison import Comparison, Job
from conformance.regression.driver_side import DriverSide
from conformance.regression.refs import Ref
from conformance.regression.revisions import checked_out
from conformance.regression.sides import OurSide, Side
from conformance.regression.tally import Tally

Progress = Callable[[int, int], object]
"""Called after each chunk with the bytes and the messages that are done."""


def compare_corpus(
    files: Sequence[str], job: Job, *, workers: int | None = None, progress: Progress | None = None
) -> Tally:
    """The differences for the messages of some files.

    `workers` is the number of processes, by default one for each core. Raises DataError for a file
    that cannot be read to its end, and what the sides raise.
    """
    workers = workers or len(os.sched_getaffinity(0))
    total = Tally()
    chunks = read_corpus(files)
    with checked_out(job.old) as old, checked_out(job.new) as new:
        job = replace(job, old=old, new=new)
        for ref in (old, new):
            with closing(opened(ref)) as side:
                side.check(job.settings)
        tallies = _in_parallel(chunks, job, workers) if workers > 1 else _in_process(chunks, job)
        for position, tally in tallies:
            total.add(tally)
            if progress:
                progress(position, total.messages)
    total.settle_renames()
    return total


def opened(ref: Ref) -> Side:
    """The side of a REF that was checked out; the caller closes it."""
    return OurSide(ref) if ref.command is None else DriverSide(ref)


def _in_process(chunks: Iterator[Chunk], job: Job) -> Iterator[tuple[int, Tally]]:
    with closing(opened(job.old)) as old, closing(opened(job.new)) as new:
        comparison = Comparison(job, old, new)
        for chunk in chunks:
            yield chunk.position, comparison.tally(chunk)


def _in_parallel(chunks: Iterator[Chunk], job: Job, workers: int) -> Iterator[tuple[int, Tally]]:
    under_way: deque[tuple[int, Future[Tally]]] = deque()
    pool = ProcessPoolExecutor(workers, initializer=_begin, initargs=(job,))
    try:
        for chunk in chunks:
            under_way.append((chunk.position, pool.submit(_tally, chunk)))
            if len(under_way) > 2 * workers:
                position, future = under_way.popleft()
                yield position, future.result()
        for position, future in under_way:
            yield position, future.result()
    except BrokenProcessPool as error:
        raise EngineError("a worker process ended before it answered") from error
    finally:
        pool.shutdown(cancel_futures=True)


_comparison: Comparison


def _begin(job: Job) -> None:
    global _comparison
    # Ctrl-C reaches every process; a worker that dies of it leaves the parent waiting for ever.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _comparison = Comparison(job, opened(job.old), opened(job.new))


def _tally(chunk: Chunk) -> Tally:
    return _comparison.tally(chunk)
