"""Measures the speed and memory of Engage over two numbers of messages of the same people.

    python benchmarks/engage.py [--messages N] [--people N]

The definitions have one of each kind. Speed is per second of processor time, and a ratio to a
peer in the same run: the standard library reading and printing the same lines. The ratio of the two
numbers of messages shows whether the cost of a message grows with their number. Each is measured
with the state in memory and with a state file. Memory is the peak of the process.
"""

import argparse
import io
import json
import multiprocessing
import random
import resource
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
from measured import ratio as record

from translator.bulk import pieces
from translator.engage import Engage, read_definitions
from translator.engage.storage.resumable import ResumableRun
from translator.engage.storage.state_file import StateFile
from translator.engage.stream import run
from translator.garbage_collection import BATCH_OBJECTS, rare_collection

START_MS = 1_781_524_800_000
SPAN_MS = 60 * 86_400_000
END_MS = START_MS + 2 * SPAN_MS
DEFINITIONS = """
computed_traits:
  - {name: Courses, computation: event_counter, event: Course Clicked}
  - {name: Spent 30 days, computation: sum, event: Order Completed, property: total, lookback_days: 30}
audiences:
  - {name: Ordered, users_who: [{performed: Order Completed, at_least: 3}], send: [identify, track]}
  - {name: Ordered 7 days, users_who: [{performed: Order Completed, within_days: 7}], send: [track]}
  - {name: Abandoned, users_who: [{performed: Course Clicked, within_days: 7, then: {did_not_perform: Order Completed}}]}
"""  # noqa: E501
EVENTS = ("Course Clicked", "Page Read", "Page Read", "Order Completed", "Page Read")


def lines(messages: int, people: int) -> Iterator[bytes]:
    """Messages in order of time, spread over sixty days, one a line; people come at random."""
    generator = random.Random(1)
    for number in range(messages):
        yield orjson.dumps(
            {
                "type": "track",
                "messageId": f"message-{number:012}",
                "userId": f"user-{generator.randrange(people)}",
                "event": generator.choice(EVENTS),
                "properties": {"total": number % 100, "category": "books"},
                "timestamp": START_MS + number * SPAN_MS // messages,
            }
        )


def measure(source: Path, *, with_state: bool) -> tuple[float, int]:
    """Seconds of processor time and the peak of memory in MiB; in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure_with_state if with_state else _measure, (source,))


def _measure(source: Path) -> tuple[float, int]:
    engage = Engage(read_definitions(DEFINITIONS))
    start = time.process_time()
    written_file = source.with_suffix(".out")
    with (
        rare_collection(BATCH_OBJECTS),
        source.open("rb") as read,
        written_file.open("wb") as written,
    ):
        for step in run(pieces(read), engage, END_MS):
            for message in step.messages:
                written.write(orjson.dumps(message) + b"\n")
    return time.process_time() - start, _peak()


def _measure_with_state(source: Path) -> tuple[float, int]:
    definitions = read_definitions(DEFINITIONS)
    start = time.process_time()
    with (
        rare_collection(BATCH_OBJECTS),
        closing(StateFile(source.with_suffix(".state"), definitions, {})) as state,
        source.open("rb") as read,
        closing(ResumableRun(state, str(source), read, source.with_suffix(".made"))) as resumable,
    ):
        resumable.process(END_MS, lambda made: (orjson.dumps(made) + b"\n", False), lambda *_: None)
    return time.process_time() - start, _peak()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def peer(source: Path) -> float:
    """Seconds of processor time in which the standard library reads and prints the lines."""
    out = io.StringIO()
    start = time.process_time()
    with source.open("rb") as read:
        for line in read:
            out.seek(0)
            out.write(json.dumps(json.loads(line)))
    return time.process_time() - start


def main() -> None:
    """Measure and print one line per subject."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--people", type=int, default=10_000)
    options = parser.parse_args()
    counts = (options.messages // 5, options.messages)
    rates: dict[tuple[int, bool], float] = {}
    with TemporaryDirectory() as folder:
        for count in counts:
            source = Path(folder) / f"{count}.jsonl"
            source.write_bytes(b"".join(line + b"\n" for line in lines(count, options.people)))
            reference = count / peer(source)
            print(f"{f'standard library, {count:,} messages':44} {reference:10,.0f} messages/s")
            for with_state in (False, True):
                seconds, memory = measure(source, with_state=with_state)
                rates[count, with_state] = rate = count / seconds
                subject = f"engage, {count:,} messages{', state file' if with_state else ''}"
                print(f"{subject:44} {rate:10,.0f} messages/s", end="")
                print(f" {rate / reference:5.2f} x {memory:6,} MiB")
                record(subject, rate / reference, "standard library")
            same = (
                source.with_suffix(".out").read_bytes() == source.with_suffix(".made").read_bytes()
            )
            if not same:
                raise SystemExit("the output with a state file is different")
    for with_state in (False, True):
        subject = f"{counts[1]:,} / {counts[0]:,}{', state file' if with_state else ''}"
        ratio = rates[counts[1], with_state] / rates[counts[0], with_state]
        print(f"{subject:44} {'':21} {ratio:5.2f} x")
        record(subject, ratio, "fewer messages")


if __name__ == "__main__":
    main()
