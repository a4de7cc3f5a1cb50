"""Measures how fast JSON lines are translated, on one core and on all.

    python benchmarks/translate.py [--repeat N]

Speed depends on the machine, so each line is also a ratio to a limit in the same run: the time to
parse the same lines and to print the same results with orjson, without translating them. No
translator that uses this parser can be faster than the limit. The rates of one core are messages a
second of processor time, so other processes disturb them little.
"""

import argparse
import io
import json
import os
import time
from collections.abc import Callable
from functools import partial
from importlib.resources import files

import orjson
from measured import ratio as record

from translator import Rules, Settings
from translator.bulk import Job, translate_stream

NOW_MS = 1_781_524_800_000
SETTINGS = {
    "token": "3f1c9a7be04d4f6b8a2d5e6c7b809112",
    "apiSecret": "a91f0c6d2e7b4853b1d6f7e8c9a0b3d4",
    "projectId": "4242",
    "people": True,
    "trackAllPages": True,
    "eventIncrements": ["Logged In"],
}
ROUNDS = 5


def corpus() -> bytes:
    """The messages of the capture corpus, one a line."""
    captures = files("conformance").joinpath("captures", "cloud-classic.jsonl").read_text("utf-8")
    messages = [json.loads(line)["message"] for line in captures.splitlines()]
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


def with_distinct_contexts(data: bytes) -> bytes:
    """The same messages, each with a context of its own: the worst case for the cache of contexts.

    In the corpus, as in traffic, many messages have the context of another message.
    """
    lines = []
    for number, line in enumerate(data.splitlines()):
        message = json.loads(line)
        if message.get("context"):
            message["context"]["locale"] = f"locale-{number}"
        lines.append(json.dumps(message).encode() + b"\n")
    return b"".join(lines)


class Discarded(io.RawIOBase):
    """A file that forgets what is written."""

    def write(self, data: object) -> int:
        """Forget the data."""
        return 0


def translate(data: bytes, job: Job, workers: int = 1) -> None:
    """Translate all lines, as the command `translate` does."""
    translate_stream(io.BytesIO(data), Discarded(), job, workers=workers)  # type: ignore[arg-type]


def best(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Seconds of the fastest of several rounds, after one that is not counted."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        start = clock()
        work()
        seconds.append(clock() - start)
    return min(seconds)


def parse_and_print(lines: list[bytes], results: list[object]) -> None:
    """The work of the limit."""
    for line in lines:
        orjson.loads(line)
    for result in results:
        orjson.dumps(result)


def report(subject: str, rate: float, limit: float) -> None:
    """One line: a rate in messages a second, and its ratio to the limit."""
    print(f"{subject:44} {rate:10,.0f} messages/s {rate / limit:6.3f} of the limit")
    record(subject, rate / limit, "parsing and printing alone")


def main() -> None:
    """Measure and print one line per subject."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=40, help="copies of the corpus")
    repeat = parser.parse_args().repeat
    data = corpus() * repeat
    count = data.count(b"\n")
    jobs = {
        name: Job(Settings.from_json(SETTINGS), rules, NOW_MS)
        for name, rules in (("documented", Rules.documented()), ("observed", Rules.observed()))
    }
    written = io.BytesIO()
    translate_stream(io.BytesIO(data), written, jobs["documented"])
    results = [orjson.loads(line) for line in written.getvalue().splitlines()]
    limit = count / best(partial(parse_and_print, data.splitlines(), results))
    report("limit: orjson alone, one core", limit, limit)
    for name, job in jobs.items():
        rate = count / best(partial(translate, data, job))
        report(f"translate, {name}, one core", rate, limit)
    distinct = with_distinct_contexts(data)
    rate = count / best(partial(translate, distinct, jobs["documented"]))
    report("translate, documented, distinct contexts", rate, limit)
    cores = len(os.sched_getaffinity(0))
    large = data * 10
    on_all_cores = partial(translate, large, jobs["documented"], cores)
    rate = 10 * count / best(on_all_cores, time.perf_counter)
    report(f"translate, documented, {cores} cores (elapsed)", rate, limit)


if __name__ == "__main__":
    main()
