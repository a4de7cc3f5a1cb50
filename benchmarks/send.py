"""Measures delivery of events to the mock, by the sender and by Mixpanel's own client.

    python benchmarks/send.py [--events N] [--workers N]

Both send the same events to the same mock, which is a separate process. The peer is
`BufferedConsumer` of the package `mixpanel`, with its defaults. After each round every event must
be stored exactly once. Speed depends on the machine, so the ratio counts. It needs two free cores:
the peer waits for the mock, while the sender works.
"""

import argparse
import gc
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import mixpanel
import requests
from measured import ratio as record

from translator.core.operations import Operation
from translator.sender import DeliveryResult, DeliveryStatus, Sender

HOST = "https://api.mixpanel.com"
ROUNDS = 5

Send = Callable[[str, str, list[dict[str, Any]]], None]


def properties(number: int) -> dict[str, Any]:
    """The event that is sent."""
    return {
        "distinct_id": f"user-{number % 500}",
        "time": int(time.time()),
        "$insert_id": str(uuid.uuid4()),
        "plan": "pro",
        "number": number,
    }


def peer(url: str, token: str, events: list[dict[str, Any]]) -> None:
    """Mixpanel's client with its own buffering."""
    consumer = mixpanel.BufferedConsumer(events_url=f"{url}/track", people_url=f"{url}/engage")
    client = mixpanel.Mixpanel(token, consumer=consumer)
    for event in events:
        client.track(event["distinct_id"], "Signed Up", event)
    consumer.flush()


def ours(url: str, token: str, events: list[dict[str, Any]], workers: int) -> None:
    """The sender, which also reads every response and gives every event a verdict.

    Like the peer it gets one event after the other.
    """
    operations = (
        Operation("/track", HOST, {"event": "Signed Up", "properties": {"token": token, **event}})
        for event in events
    )
    delivered = 0

    def tell(verdict: DeliveryResult) -> None:
        nonlocal delivered
        delivered += verdict.status is DeliveryStatus.DELIVERED

    with Sender({HOST: url}, workers=workers) as sender:
        sender.stream(operations, tell)
    assert len(events) == delivered


class Measured(NamedTuple):
    """One round: events a second, and microseconds of this process's CPU for each event."""

    rate: float
    cpu: float


def measure(url: str, count: int, send: Send) -> Measured:
    """One round, after which every event must be there exactly once."""
    token = uuid.uuid4().hex
    events = [properties(number) for number in range(count)]
    gc.collect()  # earlier work does not count
    start, cpu = time.perf_counter(), time.process_time()
    send(url, token, events)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    found = requests.get(f"{url}/_mock/events", params={"token": token, "raw": "1"}, timeout=60)
    numbers = sorted(event["properties"]["number"] for event in found.json())
    assert list(range(count)) == numbers, "an event is missing, or there twice"
    requests.post(f"{url}/_mock/reset", json={"token": token}, timeout=60).raise_for_status()
    return Measured(count / seconds, cpu / count * 1e6)


def main() -> None:
    """Measure the senders in turns, and print the best round of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    senders: dict[str, Send] = {
        "mixpanel BufferedConsumer": peer,
        "translator.sender": partial(ours, workers=options.workers),
    }
    best = dict.fromkeys(senders, Measured(0.0, 0.0))
    serve = [sys.executable, "-m", "mock_mixpanel", "serve", "--port", "0"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[1]
            for _ in range(ROUNDS):
                for name, send in senders.items():
                    best[name] = max(best[name], measure(url, options.events, send))
        finally:
            server.terminate()
    [theirs, _] = best.values()
    for name, (rate, cpu) in best.items():
        ratio = f"{rate / theirs.rate:5.2f} x"
        print(f"{name:28} {rate:10,.0f} events/s {ratio} {cpu:8.1f} us of CPU an event")
        record(name, rate / theirs.rate, "mixpanel BufferedConsumer")


if __name__ == "__main__":
    main()
