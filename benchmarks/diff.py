"""Measures how fast `diff` compares two translators over synthetic traffic.

    python benchmarks/diff.py [--messages N]

It measures one core and all cores. Speed depends on the machine, so it is also a ratio to a peer in
the same run: the standard library reading and printing the same lines twice, without translating or
comparing. Rates of one process are messages a second of processor time, which other processes of
the machine disturb less; those of several processes are messages a second of real time.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from measured import ratio as record

from conformance.corpus.synth import synth
from conformance.migration.contents import SideOptions
from conformance.migration.delivery import deliver_corpus
from conformance.migration.differences.comparison import compare
from conformance.regression.differences.comparison import DiffJob
from conformance.regression.engine import compare_corpus
from conformance.regression.redaction import SecretFilter
from conformance.regression.sides.refs import parse_ref

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
SETTINGS = {"token": "T", "apiSecret": "S", "trackNamedPages": True}
MAPPING = {"events": {"$current_url": None, "page_url": "context.page.url"}}
UNUSED_ROW = {"events": {"branch": "context.page.branch"}}
"""A mapping row whose source is in no message: nothing changes, but the translators differ."""


def seconds(
    work: Callable[[], object], clock: Callable[[], float] = time.process_time, repeat: int = 3
) -> float:
    """The shortest of some durations, in seconds."""
    taken = []
    for _ in range(repeat):
        start = clock()
        work()
        taken.append(clock() - start)
    return min(taken)


def read_and_print_twice(corpus: Path) -> None:
    """The work of the peer."""
    for line in corpus.read_bytes().splitlines():
        for _ in range(2):
            json.dumps(json.loads(line))


def main() -> None:
    """Measure, and print one line for each subject."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    count = parser.parse_args().messages
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus.jsonl")
        mapping, unused = Path(folder, "mapping.json"), Path(folder, "unused.json")
        corpus.write_text("".join(json.dumps(message) + "\n" for message in synth(count, seed=1)))
        mapping.write_text(json.dumps(MAPPING))
        unused.write_text(json.dumps(UNUSED_ROW))
        peer = count / seconds(lambda: read_and_print_twice(corpus))
        print(f"{'standard library, twice':44} {peer:10,.0f} messages/s  1.00 x")
        cores = len(os.sched_getaffinity(0))
        for subject, old in (
            ("nothing changed", "rules:documented"),
            ("a mapping row that no message has", f"mapping:{unused}"),
            ("a mapping row changed", f"mapping:{mapping}"),
            ("the rule set changed", "rules:observed"),
        ):
            job = DiffJob(parse_ref(old), parse_ref("tree"), SETTINGS, NOW, NOW)
            for workers in sorted({1, cores}):
                work = partial(compare_corpus, [str(corpus)], job, workers=workers)
                clock = time.process_time if workers == 1 else time.perf_counter
                rate = count / seconds(work, clock)
                where = "one core" if workers == 1 else f"{workers} cores"
                print(f"{f'{subject}, {where}':44} {rate:10,.0f} messages/s {rate / peer:5.2f} x")
                record(f"{subject}, {where}", rate / peer, "standard library, twice")
        rate = count / seconds(lambda: migration(corpus), time.perf_counter, repeat=2)
        print(f"{'migrate, 2 processes':44} {rate:10,.0f} messages/s {rate / peer:5.2f} x")
        record("migrate, 2 processes", rate / peer, "standard library, twice")


def migration(corpus: Path) -> None:
    """Fill two projects, under the observed and the documented rules, and compare them."""
    options = SideOptions(SETTINGS, NOW, NOW, {})
    refs = parse_ref("rules:observed"), parse_ref("tree")
    with ProcessPoolExecutor(2) as pool:
        sides = [pool.submit(deliver_corpus, ref, [str(corpus)], options) for ref in refs]
        old, new = (side.result() for side in sides)
    compare(old, new, SecretFilter(()))


if __name__ == "__main__":
    main()
