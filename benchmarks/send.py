"""How fast delivery is: ready events into the mock, by our sender and by Mixpanel's own client.

    python benchmarks/send.py [--events N] [--workers N]

Both send the same number of events of the same shape to the same mock, a process of its own. The
peer is `BufferedConsumer` of the package `mixpanel`, as it comes. Afterwards the mock is asked:
every event must be there exactly once. Speed depends on the machine; the ratio is what counts.
"""

import argparse
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import mixpanel
import requests

from translator.operations import Operation
from translator.sender import Fate, Sender

HOST = "https://api.mixpanel.com"
ROUNDS = 3


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
    """Our sender, which also reads every answer and gives every event a verdict."""
    operations = [
        Operation("/track", HOST, {"event": "Signed Up", "properties": {"token": token, **event}})
        for event in events
    ]
    with Sender({HOST: url}, workers=workers) as sender:
        verdicts = sender.send(operations)
    assert all(verdict.fate is Fate.DELIVERED for verdict in verdicts)


def rate(url: str, count: int, send: Callable[[str, str, list[dict[str, Any]]], None]) -> float:
    """Events a second of the best of some rounds, each of which is checked."""
    best = 0.0
    for _ in range(ROUNDS):
        token = uuid.uuid4().hex
        events = [properties(number) for number in range(count)]
        start = time.perf_counter()
        send(url, token, events)
        best = max(best, count / (time.perf_counter() - start))
        found = requests.get(f"{url}/_mock/events", params={"token": token, "raw": "1"}, timeout=60)
        numbers = sorted(event["properties"]["number"] for event in found.json())
        assert list(range(count)) == numbers, "an event is missing, or there twice"
        requests.post(f"{url}/_mock/reset", json={"token": token}, timeout=60).raise_for_status()
    return best


def main() -> None:
    """Measure and print one line per sender."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    serve = [sys.executable, "-m", "mock_mixpanel", "serve", "--port", "0"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[1]
            theirs = rate(url, options.events, peer)
            own = rate(url, options.events, partial(ours, workers=options.workers))
        finally:
            server.terminate()
    print(f"{'mixpanel BufferedConsumer':28} {theirs:10,.0f} events/s  1.00 x")
    print(f"{'translator.sender':28} {own:10,.0f} events/s {own / theirs:5.2f} x")


if __name__ == "__main__":
    main()
