"""Compare two projects on Spark: the report of the local engine, for corpora of any size.

First, both translators report the ids that each message names. Messages whose ids are connected go
to the same worker, in the order of the corpus; it sends them to two projects and compares these.
The differences of all workers are added up. A message arrives in a project at the same time of the
project's clock as in the local engine: the latest time of all messages before it.
"""

import pickle
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from zlib import crc32

from conformance.corpus.entries import CorpusEntry
from conformance.errors import UsageError
from conformance.migration.connected_ids import ConnectedIds, counters_in, ids_in
from conformance.migration.contents import MAX_BAD_LINES, ProjectContents, SideOptions
from conformance.migration.delivering_driver import delivers
from conformance.migration.delivery import deliver, in_batches, read_entries
from conformance.migration.differences.comparison import compare_part, settle
from conformance.migration.differences.counting import ProjectDifferences
from conformance.regression.differences.counts import DiffCounts
from conformance.regression.engine import opened
from conformance.regression.redaction import SecretFilter
from conformance.regression.sides.refs import Ref
from conformance.regression.sides.revisions import checked_out
from conformance.regression.spark_engine import check_reachable, chunk_of
from translator.spark.corpus import LineBlock, SparkCorpus
from translator.spark.options import SparkOptions
from translator.spark.session import spark_session

PART_MESSAGES = 20_000
"""Messages that one worker compares at once, if no person has more."""


class BothSides(NamedTuple):
    """The translators and how each is sent, and what hides secrets in examples."""

    refs: tuple[Ref, Ref]
    options: tuple[SideOptions, SideOptions]
    redact: SecretFilter


class ScannedBlock(NamedTuple):
    """The messages of a block of lines: number, entry and ids of each, and a summary."""

    place: int
    messages: list[tuple[int, CorpusEntry, list[str]]]
    summary: ProjectContents
    links: list[tuple[str, str]]


class PartPlan(NamedTuple):
    """The partitioning of messages: the connected ids, the clock before each block, and the
    parts."""

    roots: dict[str, str]
    clocks: dict[int, datetime | None]
    parts: int


def migrate_on_spark(
    names: Sequence[str], both: BothSides, options: SparkOptions
) -> tuple[ProjectDifferences, ProjectContents, list[str]]:
    """The differences, the counts and times of the corpus, and the names of its files.

    Raises UsageError for a translator that delivers by itself, and what the sides raise.
    """
    with ExitStack() as stack:
        refs = tuple(stack.enter_context(checked_out(ref)) for ref in both.refs)
        for ref, side in zip(refs, both.options, strict=True):
            if delivers(ref, side.settings):
                raise UsageError(f"{ref.name} delivers by itself; use --engine local for it")
        both = both._replace(refs=(refs[0], refs[1]))
        session = stack.enter_context(spark_session(options, "migrate", names))
        check_reachable(refs, session)
        corpus = SparkCorpus(session, names)
        scanned = corpus.map(partial(scan_blocks, both=both)).rdd.map(_block).persist()
        plan, summary = _planned(scanned.map(_without_messages).toLocalIterator())
        shared = session.sparkContext.broadcast(plan)
        spread = scanned.flatMap(partial(_spread, shared=shared))
        parts = spread.repartitionAndSortWithinPartitions(plan.parts, partitionFunc=_part)
        compared = parts.mapPartitions(partial(compare_messages, both=both, summary=summary))
        found: ProjectDifferences = compared.treeAggregate(
            ProjectDifferences(DiffCounts()), _add, _add
        )
        scanned.unpersist()
    found.counts.bad_lines = summary.bad_lines
    found.counts.first_bad_lines = summary.first_bad_lines
    settle(found, summary.counters, both.redact)
    return found, summary, corpus.names


def scan_blocks(blocks: Iterator[LineBlock], both: BothSides) -> Iterator[tuple[int, bytes]]:
    """The messages of each block with the ids that they name, pickled."""
    with ExitStack() as stack:
        sides = [stack.enter_context(closing(opened(ref))) for ref in both.refs]
        for block in blocks:
            summary, connected = ProjectContents(), ConnectedIds()
            entries = []
            for line, entry in read_entries(chunk_of(block), both.options[0], summary):
                assert entry.now is not None
                entries.append((block.place + line - block.first_line, entry, entry.now))
                summary.count_moment(entry.now)
            messages = []
            for batch in in_batches(entries, both.options[0]):
                asked = [side.answers(batch.entries, batch.settings, batch.now) for side in sides]
                for number, entry, *answers in zip(
                    batch.numbers, batch.entries, *asked, strict=True
                ):
                    ids = ids_in(answers)
                    connected.connect(ids)
                    summary.counters |= counters_in(answers)
                    messages.append((number, entry, ids[:1]))
            summary.messages = len(messages)
            found = ScannedBlock(block.place, messages, summary, list(connected.links()))
            yield block.place, pickle.dumps(found)


def compare_messages(
    rows: Iterable[tuple[tuple[int, int], bytes]], both: BothSides, summary: ProjectContents
) -> Iterator[ProjectDifferences]:
    """The differences for the messages of one part, which are in the order of the corpus."""
    messages: list[tuple[int, CorpusEntry, datetime]] = []
    for _, value in rows:
        messages += pickle.loads(value)  # noqa: S301 - written by our own workers
    if not messages:
        return
    contents = []
    for ref, options in zip(both.refs, both.options, strict=True):
        part = ProjectContents(len(messages), latest=summary.latest)
        part.places = {number: (entry.where, entry.id) for number, entry, _ in messages}
        deliver(ref, in_batches(messages, options), options, part)
        contents.append(part)
    yield compare_part(contents[0], contents[1], summary.counters, both.redact)


def _planned(blocks: Iterator[ScannedBlock]) -> tuple[PartPlan, ProjectContents]:
    """The plan, and the sum of the summaries."""
    total, connected = ProjectContents(), ConnectedIds()
    latest: dict[int, datetime | None] = {}
    for block in blocks:
        for link in block.links:
            connected.connect(link)
        latest[block.place] = block.summary.latest
        _add_summary(total, block.summary)
    clocks: dict[int, datetime | None] = {}
    clock: datetime | None = None
    for place, moment in sorted(latest.items()):
        clocks[place] = clock
        if moment is not None:
            clock = max(clock or moment, moment)
    parts = 1 + total.messages // PART_MESSAGES
    return PartPlan(dict(connected.links()), clocks, max(parts, min(len(latest), 8))), total


def _add_summary(total: ProjectContents, part: ProjectContents) -> None:
    total.messages += part.messages
    total.bad_lines += part.bad_lines
    lines = sorted(total.first_bad_lines + part.first_bad_lines)
    total.first_bad_lines = lines[:MAX_BAD_LINES]
    total.counters |= part.counters
    for moment in (part.earliest, part.latest):
        if moment is not None:
            total.count_moment(moment)


def _spread(block: ScannedBlock, shared: Any) -> Iterator[tuple[tuple[int, int], bytes]]:
    """The messages of a block by part, each with the clock of the project when it arrives."""
    plan: PartPlan = shared.value
    clock = plan.clocks[block.place]
    parts: dict[int, list[tuple[int, CorpusEntry, datetime]]] = {}
    for number, entry, ids in sorted(block.messages, key=lambda each: each[0]):
        assert entry.now is not None
        clock = max(clock or entry.now, entry.now)
        name = plan.roots.get(ids[0], ids[0]) if ids else str(number)
        part = crc32(name.encode("utf-8", "surrogatepass")) % plan.parts
        parts.setdefault(part, []).append((number, entry, clock))
    for part, messages in parts.items():
        yield (part, block.place), pickle.dumps(messages)


def _part(key: tuple[int, int]) -> int:
    return key[0]


def _block(row: Any) -> ScannedBlock:
    found: ScannedBlock = pickle.loads(row.value)  # noqa: S301 - written by our own workers
    return found


def _without_messages(block: ScannedBlock) -> ScannedBlock:
    return block._replace(messages=[])


def _add(total: ProjectDifferences, part: ProjectDifferences) -> ProjectDifferences:
    total.add(part)
    return total
