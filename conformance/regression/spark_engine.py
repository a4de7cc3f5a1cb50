"""Compare a corpus on Spark: the report of the local engine, for corpora of any size.

Each partition is compared by the same code as a chunk of the local engine. The counts of the
partitions are added up in any order.
"""

import pickle
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from conformance.corpus.reading import Chunk
from conformance.errors import UsageError
from conformance.regression.differences.comparison import ChunkComparer, DiffJob
from conformance.regression.differences.counts import DiffCounts
from conformance.regression.engine import opened
from conformance.regression.sides.refs import Ref
from conformance.regression.sides.revisions import checked_out
from translator.spark.corpus import LineBlock, SparkCorpus
from translator.spark.options import SparkOptions
from translator.spark.session import is_here, spark_session


def compare_on_spark(
    names: Sequence[str], job: DiffJob, options: SparkOptions
) -> tuple[DiffCounts, list[str]]:
    """The differences for the messages of some files and URLs, and the names of all files.

    Raises what the sides raise, and UsageError for a revision where Spark is on other machines.
    """
    with (
        checked_out(job.old) as old,
        checked_out(job.new) as new,
        spark_session(options, "diff", names) as session,
    ):
        check_reachable((old, new), session)
        for ref in (old, new):
            with closing(opened(ref)) as side:
                side.check(job.settings)
        job = replace(job, old=old, new=new)
        corpus = SparkCorpus(session, names)
        parts = corpus.map(partial(compare_blocks, job=job)).rdd
        total: DiffCounts = parts.treeAggregate(DiffCounts(), _add_row, _add)
        total.settle()
        return total, corpus.names


def check_reachable(refs: Iterable[Ref], session: Any) -> None:
    """Raise UsageError for a revision that is checked out where Spark's workers cannot read it."""
    for ref in refs:
        if ref.git is not None and not is_here(session.sparkContext.master):
            raise UsageError(
                f"{ref.name} is checked out on this machine, where Spark's workers cannot read it;"
                " use a master of this machine, or exec:CMD with a command of the workers"
            )


def compare_blocks(blocks: Iterator[LineBlock], job: DiffJob) -> Iterator[tuple[int, bytes]]:
    """The counts of the lines of one partition, pickled."""
    total = DiffCounts()
    with closing(opened(job.old)) as old, closing(opened(job.new)) as new:
        for ref, side in ((job.old, old), (job.new, new)):
            if ref.command is not None:
                side.check(job.settings)  # a driver says what it tells when it starts
        comparer = ChunkComparer(job, old, new)
        for block in blocks:
            total.add(comparer.compare(chunk_of(block)))
    yield 0, pickle.dumps(total)


def chunk_of(block: LineBlock) -> Chunk:
    """A block of lines as a chunk of the corpus."""
    data = b"".join(line + b"\n" for line in block.lines)
    return Chunk(block.name, block.first_line, data, 0, block.file)


def _add_row(total: DiffCounts, row: Any) -> DiffCounts:
    return _add(total, pickle.loads(row.value))  # noqa: S301 - written by our own workers


def _add(total: DiffCounts, part: DiffCounts) -> DiffCounts:
    total.add(part)
    return total
