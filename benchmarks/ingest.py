"""Measures how many events a second the mock accepts, compared with other mock servers.

    python benchmarks/ingest.py [--seconds N] [--rounds N] [--peers FOLDER]

The mock runs with two workers, with validation, journal and log. Its peers answer `1` to every
request: WireMock, which keeps each request with its whole body in its journal in memory;
Mountebank; and a bare Flask application under granian with two workers. wrk sends the same bodies
to each, over the same 8 connections, which all of them keep. Speed depends on the machine and its
load, so each result is also a ratio to WireMock. Java gets faster while it runs, so all servers are
warmed up before the first round, and the best round counts.

The first part measures ingestion alone, in this process: without HTTP, into memory, in ratio to
parsing the same bodies, which is the limit. It counts processor time, which other programs on the
machine disturb little. The last part measures reading: everything after a million events, and again
after some more.

The servers need the extra `bench`, wrk, java and npm; WireMock and Mountebank are installed into
the folder of the peers. Peers that cannot run are left out and reported.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import requests
from measured import ratio as record

from mock_mixpanel.backend import Backend
from mock_mixpanel.ingest.endpoints import ingest
from mock_mixpanel.ingest.http_request import Envelope, Incoming

HERE = Path(__file__).parent
CONNECTIONS = 8
SIZES = (1, 50, 2000)
WARM_UP_SIZE = 50
"""Events in each request that warms a server up."""
BASE = "WireMock"
TARGETS = {1: "1.00 x", 50: "1.00 x", 2000: "300,000 events/s"}
"""Of the mock: a ratio to WireMock, or a rate."""
TIMES = 10
"""Repetitions of the measurement in this process; the best one counts."""
STUB = {
    "request": {"method": "POST", "urlPath": "/track"},
    "response": {"status": 200, "body": "1", "headers": {"Content-Type": "text/plain"}},
}


class Peer(NamedTuple):
    """A server: its command, which can contain `{port}`, and its port."""

    name: str
    command: Sequence[str]
    port: int

    @property
    def url(self) -> str:
        """The URL for events."""
        return f"http://127.0.0.1:{self.port}/track"


def event(number: int) -> dict[str, Any]:
    """An event of a shop."""
    return {
        "event": "Order Completed",
        "properties": {
            "token": "T",
            "distinct_id": f"user-{number % 1000}",
            "time": int(time.time()) - 600,
            "$insert_id": f"00000000-0000-4000-8000-{number:012}",
            "total": 12.5,
            "currency": "EUR",
            "plan": "pro",
            "$os": "Linux",
            "$browser": "Firefox",
            "items": [1, 2, 3],
        },
    }


def body(size: int, first: int = 0) -> str:
    """This number of events as JSON."""
    return json.dumps([event(first + n) for n in range(size)], separators=(",", ":"))


def install(folder: Path) -> None:
    """The peers that come from npm."""
    if not (folder / "node_modules" / "mountebank").exists() and shutil.which("npm"):
        folder.mkdir(parents=True, exist_ok=True)
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        packages = ["wiremock", "mountebank"]
        subprocess.run(["npm", "install", "--prefix", str(folder), *quiet, *packages], check=False)


def servers(folder: Path, temporary: Path) -> Iterator[Peer]:
    """The servers that can run here; others are named on the error stream."""
    python = sys.executable
    serve = [python, "-m", "mock_mixpanel", "serve", "--port", "9130", "--workers", "2"]
    yield Peer("mockpanel", serve, 9130)
    jars = list(folder.glob("node_modules/wiremock/build/wiremock-standalone-*.jar"))
    if jars and shutil.which("java"):
        mappings = temporary / "wiremock" / "mappings"
        mappings.mkdir(parents=True)
        (mappings / "track.json").write_text(json.dumps(STUB))
        options = ["--port", "9131", "--root-dir", str(mappings.parent)]
        yield Peer(BASE, ["java", "-jar", str(jars[0]), "--disable-banner", *options], 9131)
    else:
        print("WireMock is left out: it needs java and npm", file=sys.stderr)
    mountebank = folder / "node_modules" / ".bin" / "mb"
    if mountebank.exists():
        answer = {"is": {"statusCode": 200, "body": "1"}}
        imposter = {"port": 9132, "protocol": "http", "stubs": [{"responses": [answer]}]}
        config = temporary / "mountebank.json"
        config.write_text(json.dumps({"imposters": [imposter]}))
        files = ["--configfile", str(config), "--nologfile", "--loglevel", "error"]
        command = [str(mountebank), "start", "--port", "9142", *files]
        yield Peer("Mountebank", [*command, "--pidfile", str(temporary / "mb.pid")], 9132)
    else:
        print("Mountebank is left out: it needs node and npm", file=sys.stderr)
    if not find_spec("granian"):
        print("a bare Flask is left out: it needs pip install 'mockpanel[bench]'", file=sys.stderr)
        return
    flask = ["--interface", "wsgi", "--workers", "2", "--port", "9133", "bare_flask:app"]
    yield Peer("bare Flask", [python, "-m", "granian", "--log-level", "error", *flask], 9133)


@contextmanager
def running(peer: Peer) -> Iterator[None]:
    """Run the server; the block starts when it answers."""
    process = subprocess.Popen(
        peer.command,
        cwd=HERE / "peers",
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not answers(peer.url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{peer.name} does not start: {' '.join(peer.command)}")
            time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def answers(url: str) -> bool:
    """Whether a server accepts an event."""
    try:
        return requests.post(url, data=body(1), headers=JSON, timeout=10).text == "1"
    except requests.ConnectionError:
        return False


JSON = {"Content-Type": "application/json"}


def requests_a_second(url: str, script: Path, seconds: int) -> float:
    """The rate that wrk measures."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "-s", str(script), url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout:
        raise SystemExit(f"{url} refuses what it is sent:\n{done.stdout}")
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("Requests/sec:"))
    return float(line.split()[1])


def script(size: int, temporary: Path) -> Path:
    """The script for wrk: the body of this number of events."""
    file = temporary / f"{size}.lua"
    headers = 'wrk.headers["Content-Type"] = "application/json"'
    file.write_text(f'wrk.method = "POST"\n{headers}\nwrk.body = [==[{body(size)}]==]\n')
    return file


def ingestion(peers: Sequence[Peer], temporary: Path, seconds: int, rounds: int) -> None:
    """Print a line for each server and size: the best of several alternating rounds."""
    best: dict[tuple[str, int], float] = {}
    for peer in peers:
        requests_a_second(peer.url, script(WARM_UP_SIZE, temporary), rounds * seconds)
    for size in SIZES:
        file = script(size, temporary)
        for _ in range(rounds):
            for peer in peers:
                rate = requests_a_second(peer.url, file, seconds)
                best[peer.name, size] = max(rate, best.get((peer.name, size), 0))
        for peer in peers:
            rate = best[peer.name, size]
            ratio = rate / best[BASE, size] if (BASE, size) in best else float("nan")
            target = f"   target {TARGETS[size]}" if peer == peers[0] else ""
            print(
                f"{peer.name:12} {size:5} events a request {rate:10,.0f} requests/s"
                f" {rate * size:10,.0f} events/s {ratio:6.2f} x{target}"
            )
            if (BASE, size) in best:
                record(f"{peer.name}, {size} events a request", ratio, BASE)
        print(f"{'':12} load of the machine: {os.getloadavg()[0]:.1f}", flush=True)


def ingestion_alone() -> None:
    """Print the rates of ingestion in this process, and its ratio to parsing."""
    backend = Backend()
    headers = {"Content-Type": "application/json", "Host": "127.0.0.1"}
    envelope = Envelope.of("us", "POST", "/track", {}, headers, "127.0.0.1")
    for size in SIZES:
        text = body(size).encode()
        parsing = best_rate(partial(orjson.loads, text), size)
        rate = best_rate(partial(ingest, backend, "/track", Incoming(envelope, text)), size)
        print(
            f"without HTTP {size:5} events a request {rate:10,.0f} events/s of processor time"
            f" {rate / parsing:6.2f} x parsing"
        )
        record(f"without HTTP, {size} events a request", rate / parsing, "parsing alone")


def best_rate(call: Callable[[], object], size: int) -> float:
    """Events a second of processor time, with this number of events in each call."""
    calls, best = max(3, 10_000 // size), 0.0
    for _ in range(TIMES):
        started = time.process_time()
        for _ in range(calls):
            call()
        best = max(best, calls * size / (time.process_time() - started))
    return best


def reading(peer: Peer, count: int) -> None:
    """Print how long it takes to read everything after `count` events, and after one more."""
    url = peer.url.removesuffix("/track")
    requests.post(f"{url}/_mock/reset", timeout=600).raise_for_status()
    with requests.Session() as session:
        for first in range(0, count, 2000):
            assert session.post(peer.url, data=body(2000, first), headers=JSON).text == "1"
        for when in ("first", "second"):
            for name in ("identities", "profiles", "rejected", "events?limit=1000", "events"):
                start = time.monotonic()
                size = len(session.get(f"{url}/_mock/{name}", timeout=600).content)
                took = time.monotonic() - start
                print(f"{when} read of {name:17} {took:8.2f} s {size:13,} bytes")
            assert session.post(peer.url, data=body(2000, count), headers=JSON).text == "1"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the best one counts")
    parser.add_argument("--events", type=int, default=1_000_000, help="before reading")
    parser.add_argument(
        "--peers", type=Path, default=Path("build/peers"), help="where WireMock and Mountebank are"
    )
    chosen = parser.parse_args()
    ingestion_alone()
    if not shutil.which("wrk"):
        print("left out: wrk is not installed; it is in Debian's packages", file=sys.stderr)
        return
    install(chosen.peers)
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        peers = list(servers(chosen.peers.resolve(), temporary))
        for peer in peers:
            stack.enter_context(running(peer))
        ingestion(peers, temporary, chosen.seconds, chosen.rounds)
        reading(peers[0], chosen.events)


if __name__ == "__main__":
    main()
