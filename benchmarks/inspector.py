"""Measures the mock's pages: how fast they are with many events, and what a live page costs.

    python benchmarks/inspector.py [--events N] [--rounds N]
    python benchmarks/inspector.py --store URL [--events N]

It sends events to a mock in a process of its own, in turns without and with a visitor whose page is
live. The visitor does what the page's script does: a long poll, then the page, then a rest. The
ratio is that of the processor time that the mock took for as many events, which other programs on
the machine disturb little. Then it reads each page and prints milliseconds and bytes. It needs
Linux.

With `--store` it fills that store, which must be empty, with the rows of as many events, and reads
the pages of a mock on it. `--store postgresql` starts a PostgreSQL server for that.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from measured import ratio as record
from stored_traffic import fill

BATCH = 50
"""Events of a request."""
ROUND = 4000
"""Requests of one round."""
REST_FACTOR, LONGEST_REST = 50, 0.8
"""As in the page's script."""
JSON = {"Content-Type": "application/json"}
PAGES = (
    *("", "requests", "requests?q=event:Paid", "requests?q=nothing-like-this", "requests/100"),
    *("events", "events?raw=1", "events?q=id:user-7", "events/500", "rejected", "people"),
    *("person?id=user-7", "identity", "identity?id=user-7", "groups", "faults", "clock", "leaks"),
    *("project?token=T", "?token=T", "rejected?reason=time: older than 5 days"),
)
READS = (
    *("requests/100", "records/5000", "events/5000", "person?token=T&id=user-7", "overview"),
    *(
        "identities?token=T&id=user-7",
        "requests?summary=1&page=1&limit=50",
        "records?page=1&limit=50",
    ),
    *("profiles?page=1&limit=50", "group?token=T&key=company&id=company-7&limit=50", "changes"),
)
"""Reads of the JSON API by an id, and pages of its lists."""
TIMES = 5
"""Reads of each page."""
TARGETS = {"milliseconds": 100, "bytes": 60_000, "first page": 2000, "ratio": 0.95}


def bodies() -> list[bytes]:
    """Bodies to send in turn; one event of each is too old."""
    now = int(time.time())

    def event(number: int) -> dict[str, object]:
        properties = {"token": "T", "distinct_id": f"user-{number % 5000}", "plan": "pro"}
        old = number % BATCH == 0
        return {"event": "Paid", "properties": {**properties, "time": 1 if old else now}}

    return [
        json.dumps([event(first + n) for n in range(BATCH)]).encode()
        for first in range(0, 100 * BATCH, BATCH)
    ]


def send_updates(client: "Client") -> None:
    """Send 100 updates of each of 50 people and 50 groups."""
    for number in range(100):
        people = [
            {"$token": "T", "$distinct_id": f"user-{n}", "$set": {"visits": number}}
            for n in range(BATCH)
        ]
        client.call("/engage", json.dumps(people).encode())
        groups = [
            {
                "$token": "T",
                "$group_key": "company",
                "$group_id": f"company-{n}",
                "$set": {"seats": number},
            }
            for n in range(BATCH)
        ]
        client.call("/groups", json.dumps(groups).encode())


@contextmanager
def serving(*options: str) -> Iterator[tuple[str, int]]:
    """The base URL and the process id of a mock in its own process."""
    command = [sys.executable, "-m", "mock_mixpanel", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[1], process.pid
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(30)


class Client:
    """One kept connection to a mock."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)

    def call(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] = JSON
    ) -> bytes:
        method = "GET" if body is None else "POST"
        self._connection.request(method, path.replace(" ", "%20"), body, dict(headers))
        response = self._connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise SystemExit(f"{path}: status {response.status}")
        return content


def visit(url: str) -> None:
    """Do endlessly what the script of a live page does."""
    client = Client(url)
    last, rest_until = 0, 0.0
    while True:
        answer = json.loads(client.call(f"/_mock/changes?after={last}&wait=1"))
        last = answer["last"]
        if answer["changed"]:
            time.sleep(max(0, rest_until - time.monotonic()))
            started = time.monotonic()
            client.call("/_mock/ui/requests", headers={"X-Live": "1"})
            took = time.monotonic() - started
            rest_until = time.monotonic() + min(LONGEST_REST, took * REST_FACTOR)
        time.sleep(0.2)


def processor_seconds(process: int) -> float:
    """The processor time that the threads of a process have used."""
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def one_round(client: Client, prepared: list[bytes], requests: int) -> float:
    """Events a second."""
    started = time.monotonic()
    for number in range(requests):
        client.call("/track", prepared[number % len(prepared)])
    return requests * BATCH / (time.monotonic() - started)


def timed(client: Client, path: str) -> tuple[float, int]:
    """Milliseconds and bytes of a page or a list below `/_mock/`."""
    started = time.monotonic()
    content = client.call(f"/_mock/{path}")
    return (time.monotonic() - started) * 1000, len(content)


def measure_pages(reader: Client, process: int, events: int) -> None:
    """Print how long the first page takes, when it is complete, and every page and read then."""
    first, _ = timed(reader, "ui/")
    print(f"first page after {events:,} events: {first:,.0f} ms", end="")
    print(f" (target {TARGETS['first page']:,})", flush=True)
    started, before = time.monotonic(), processor_seconds(process)
    while b'data-behind="0"' not in reader.call("/_mock/ui/clock", headers={"X-Live": "1"}):
        time.sleep(1)
    took = processor_seconds(process) - before
    print(f"complete after {time.monotonic() - started:,.1f} s more,", end=" ")
    print(f"{took:,.1f} s of processor time; memory {resident(process) / 1e6:,.0f} MB")
    print("real time (least of 5), the mock's processor time (mean), size")
    for path in (*(f"ui/{page}" for page in PAGES), *READS):
        before = processor_seconds(process)
        took, size = min(timed(reader, path) for _ in range(TIMES))
        busy = (processor_seconds(process) - before) / TIMES * 1000
        late = " !" if took > TARGETS["milliseconds"] or size > TARGETS["bytes"] else ""
        print(f"{took:8.1f} ms {busy:6.0f} ms {size:8,} bytes  /_mock/{path}{late}", flush=True)


def resident(process: int) -> int:
    """Bytes of memory that a process holds."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def measure_ingestion(url: str, process: int, arguments: argparse.Namespace) -> None:
    """Print what a live page costs those who send, and send the rest of the events."""
    prepared = bodies()
    client, reader = Client(url), Client(url)
    one_round(client, prepared, 10)
    timed(reader, "ui/requests")  # The first call makes the pages ready.
    alone, watched, seconds = [], [], 0.0
    for _ in range(arguments.rounds):
        before = processor_seconds(process)
        one_round(client, prepared, ROUND)
        alone.append(processor_seconds(process) - before)
        visitor = multiprocessing.Process(target=visit, args=(url,), daemon=True)
        visitor.start()
        before, started = processor_seconds(process), time.monotonic()
        one_round(client, prepared, ROUND)
        watched.append(processor_seconds(process) - before)
        seconds += time.monotonic() - started
        visitor.terminate()
        visitor.join()
    count = ROUND * BATCH
    print(f"seconds for {count:,} events: {sum(alone) / len(alone):.2f} alone,", end=" ")
    print(f"{sum(watched) / len(watched):.2f} with a live page")
    print(f"ratio: {sum(alone) / sum(watched):.2f} (target {TARGETS['ratio']})", flush=True)
    record("ingestion with a live page", sum(alone) / sum(watched), "ingestion alone")
    share = (sum(watched) - sum(alone)) / seconds
    print(f"the live page takes {share:.1%} of one processor", flush=True)
    sent = 2 * arguments.rounds * ROUND * BATCH
    one_round(client, prepared, max(0, arguments.events - sent) // BATCH)
    send_updates(client)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--store", help="an empty store, or postgresql to start a server")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        options: tuple[str, ...] = ()
        if arguments.store:
            store = arguments.store
            if store == "postgresql":
                sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
                from tests.mock_mixpanel import postgresql

                folder = stack.enter_context(TemporaryDirectory())
                store = stack.enter_context(postgresql.running(Path(folder)))
            started = time.monotonic()
            requests = fill(store, arguments.events)
            print(
                f"{requests:,} requests stored in {time.monotonic() - started:,.1f} s", flush=True
            )
            options = ("--store", store)
        url, process = stack.enter_context(serving(*options))
        if not arguments.store:
            measure_ingestion(url, process, arguments)
        measure_pages(Client(url), process, arguments.events)


if __name__ == "__main__":
    main()
