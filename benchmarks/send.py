"""How fast delivery is: ready events into the mock, by our sender and by Mixpanel's own client.

    python benchmarks/send.py [--events N] [--workers N]

Both send the same number of events of the same shape to the same mock, a process of its own. The
peer is `BufferedConsumer` of the package `mixpanel`, as it comes. After each round the mock is
asked: every event must be there exactly once. Speed depends on the machine; the ratio is what
counts, and it needs two free cores: the peer waits for the mock, our sender works meanwhile.
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

from translator.core.operations import Operation
from translator.sender import DeliveryResult, DeliveryStatus, Sender

HOST = "https://api.mixpanel.com"
ROUNDS = 5

Send = Callable[[str, str, list[dict[str, Any]]], None]


def properties(number: int) -> dict[str, Any]:
    """What one event says."""
    return {
        "distinct_id": f"user-{number % 500}",
        "time": int(time.time()),
        "$insert_id": str(uuid.uuid4()),
        "plan": "pro",
        "number": number,
    }


def peer(url: str, token: str, events: list[dict[str, Any]]) -> None:
    """Mixpanel's client, buffering as it does by itself."""
    consumer = mixpanel.BufferedConsumer(events_url=f"{url}/track", people_url=f"{url}/engage")
    client = mixpanel.Mixpanel(token, consumer=consumer)
    for event in events:
        client.track(event["distinct_id"], "Signed Up", event)
    consumer.flush()


def ours(url: str, token: str, events: list[dict[str, Any]], workers: int) -> None:
    """Our sender, which also reads every answer and gives every event a verdict.

    Like the peer it is given one event after the other, and keeps none.
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
    gc.collect()  # what was before is not this sender's work
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


if __name__ == "__main__":
    main()
