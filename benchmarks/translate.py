"""Measures how fast JSON lines are translated, on one core and on all.

    python benchmarks/translate.py [--repeat N]

Speed depends on the machine, so it is also a ratio to a peer in the same run: the standard library
reading and printing the same lines without translating them.
"""

import argparse
import io
import json
import os
import time
from collections.abc import Callable
from functools import partial
from importlib.resources import files

from translator import Rules, Settings
from translator.bulk import Job, translate_chunk, translate_stream

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


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of several rounds, after one that is not counted."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def read_and_print(chunk: bytes) -> bytes:
    """The work of the peer."""
    return b"".join(json.dumps(json.loads(line)).encode() + b"\n" for line in chunk.splitlines())


def report(subject: str, rate: float, peer: float) -> None:
    """One line: a rate in messages a second, and its ratio to the peer's."""
    print(f"{subject:36} {rate:10,.0f} messages/s {rate / peer:5.2f} x")


def main() -> None:
    """Measure and print one line per subject."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=40, help="copies of the corpus in a chunk")
    repeat = parser.parse_args().repeat
    chunk = corpus() * repeat
    count = chunk.count(b"\n")
    peer = count / best(lambda: read_and_print(chunk))
    report("standard library, no translation", peer, peer)
    for name, rules in (("documented", Rules.documented()), ("observed", Rules.observed())):
        job = Job(Settings.from_json(SETTINGS), rules, NOW_MS)
        rate = count / best(partial(translate_chunk, chunk, job))
        report(f"translate, {name}, one core", rate, peer)
    job = Job(Settings.from_json(SETTINGS), Rules.documented(), NOW_MS)
    cores = len(os.sched_getaffinity(0))
    large = chunk * 10

    def on_all_cores() -> None:
        translate_stream(io.BytesIO(large), io.BytesIO(), job, workers=cores)

    rate = 10 * count / best(on_all_cores)
    report(f"translate, documented, {cores} cores", rate, peer)


if __name__ == "__main__":
    main()
