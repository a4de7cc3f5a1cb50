"""Measures the speed and memory of Engage, over a million messages by default.

    python benchmarks/engage.py [--messages N] [--people N]

The definitions have one of each kind. Speed depends on the machine, so it is also a ratio to a peer
in the same run: the standard library reading and printing the same lines. Memory
is the peak of the process; a run with a fifth of the messages shows how little it grows.
"""

import argparse
import io
import json
import multiprocessing
import resource
import time
from collections.abc import Iterator

import orjson

from translator.engage import Engage, read_definitions
from translator.engage.stream import run

START_MS = 1_781_524_800_000
SPAN_MS = 60 * 86_400_000
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
    """Messages in order of time, spread over sixty days, one a line."""
    for number in range(messages):
        yield orjson.dumps(
            {
                "type": "track",
                "messageId": f"message-{number:012}",
                "userId": f"user-{number * 7919 % people}",
                "event": EVENTS[number % 5],
                "properties": {"total": number % 100, "category": "books"},
                "timestamp": START_MS + number * SPAN_MS // messages,
            }
        )


def measure(messages: int, people: int) -> tuple[float, int, int]:
    """Messages a second, messages made, and the peak of memory in MiB; in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (messages, people))


def _measure(messages: int, people: int) -> tuple[float, int, int]:
    engage = Engage(read_definitions(DEFINITIONS))
    start = time.perf_counter()
    steps = run(lines(messages, people), engage, START_MS + 2 * SPAN_MS)
    made = sum(len(step.messages) for step in steps)
    seconds = time.perf_counter() - start
    return messages / seconds, made, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def peer(messages: int, people: int) -> float:
    """Messages a second that the standard library reads and prints."""
    out = io.StringIO()
    start = time.perf_counter()
    for line in lines(messages, people):
        out.seek(0)
        out.write(json.dumps(json.loads(line)))
    return messages / (time.perf_counter() - start)


def main() -> None:
    """Measure and print one line per subject."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=10_000)
    options = parser.parse_args()
    reference = peer(min(options.messages, 100_000), options.people)
    print(f"{'standard library, no computation':36} {reference:10,.0f} messages/s  1.00 x")
    for count in (options.messages // 5, options.messages):
        rate, made, memory = measure(count, options.people)
        subject = f"engage, {count:,} messages"
        print(f"{subject:36} {rate:10,.0f} messages/s {rate / reference:5.2f} x", end="")
        print(f", {made:,} made, {memory:,} MiB")


if __name__ == "__main__":
    main()
