"""How many messages the gateway takes in, beside a bare application under the same server.

    python benchmarks/gateway.py [--seconds N] [--rounds N]

The gateway runs with everything on and delivers to the mock, on the same machine; the bare
application reads each body and answers `{"success": true}`, on uvicorn too. wrk sends the same
requests to each, over 8 connections, every message with an id of its own. Speed depends on the
machine and on what else it does, so each is also given as a ratio to the bare application. The best
of the rounds counts. Then wrk sends requests at half of the rate that is the target, or was found,
for the 99th percentile of the time until the answer. In the end everything that was acknowledged
must have been delivered. The table at the end has four figures: one message or 50 in a request, in
memory or with a spool file.

It needs wrk.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import requests
from measured import ratio as record

CONNECTIONS = 8
TARGETS = {(1, False): 3000, (50, False): 20_000, (50, True): 10_000}
"""Messages a second by batch size, with a spool file or without."""

P99_TARGET_MS = 100

MESSAGE = {
    "type": "track",
    "event": "Order Completed",
    "messageId": "ID",
    "userId": "user-NUMBER",
    "anonymousId": "6f1f5b2e-5b1e-4e5e-9a43-0a1d1f7f9d10",
    "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    "properties": {"total": 12.5, "currency": "EUR", "plan": "pro", "items": [1, 2, 3]},
    "context": {
        "library": {"name": "analytics-node", "version": "2.1.0"},
        "ip": "192.0.2.7",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "page": {"url": "https://shop.test/cart", "path": "/cart", "referrer": ""},
    },
}

LUA = """
local number = 0
local start = tostring(os.time()) .. "-" .. tostring(math.random(1, 1000000000))
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Basic a2V5Og=="
local first, second, third = [==[%(first)s]==], [==[%(second)s]==], [==[%(third)s]==]
local size, pause = %(size)d, %(pause)g
function request()
  local found = {}
  for place = 1, size do
    number = number + 1
    found[place] = first .. start .. "-" .. number .. second .. number %% 1000 .. third
  end
  if size == 1 then return wrk.format("POST", "/v1/track", nil, found[1]) end
  local body = '{"batch":[' .. table.concat(found, ",") .. ']}'
  return wrk.format("POST", "/v1/batch", nil, body)
end
if pause > 0 then function delay() return pause end end
"""

BARE = """
import socket, sys, uvicorn
async def application(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"16")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"success":true}'})
listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off")
uvicorn.Server(config).run(sockets=[listening])
"""


class Measured(NamedTuple):
    """What wrk measured: requests a second, and percentiles of the latency in milliseconds.

    `cpu_us` is how long the server and the mock worked for one message, in microseconds of one
    core: what other programs do meanwhile changes it less than the rate.
    """

    rate: float
    p50: float
    p99: float
    cpu_us: tuple[float, ...] = ()


@contextmanager
def running(command: Sequence[str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server that prints its address, and the address, until the block ends."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            found = re.search(r"http://\S+", line)
            if found:
                break
        else:
            raise SystemExit(f"it does not start: {' '.join(command)}")
        yield found[0].rstrip("/"), process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()


def wrk(url: str, folder: Path, size: int, seconds: int, rate: float = 0) -> Measured:
    """Send requests with a number of messages each, at a rate if it is given."""
    pause = max(0.0, CONNECTIONS / rate * 1000 - 1) if rate else 0
    script = folder / "load.lua"
    message = json.dumps(MESSAGE, separators=(",", ":"))
    first, rest = message.split("ID")
    second, third = rest.split("NUMBER")
    parts = {"first": first, "second": second, "third": third}
    script.write_text(LUA % {**parts, "size": size, "pause": pause})
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "--latency", "-s", str(script)]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout:
        print(f"some requests were refused:\n{done.stdout}", file=sys.stderr)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert found, done.stdout
    rate = float(found[1])
    return Measured(rate, _percentile(done.stdout, "50%"), _percentile(done.stdout, "99%"))


def _percentile(text: str, name: str) -> float:
    found = re.search(rf"{name}\s+([\d.]+)(us|ms|s)\s", text)
    assert found, text
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


def settle(gateway: str) -> dict[str, Any]:
    """Wait until everything that was acknowledged is delivered; the state of the gateway then."""
    while True:
        state: dict[str, Any] = requests.get(f"{gateway}/healthz", timeout=30).json()
        if not state["waiting"]:
            return state
        time.sleep(0.2)


def measure(
    url: str,
    folder: Path,
    size: int,
    chosen: argparse.Namespace,
    processes: Sequence[subprocess.Popen[str]],
    half: float | None = None,
) -> Measured:
    """The best rate of the rounds, then the latency at the rate `half`, or at half of the best.

    `processes` are the server, and the mock if the server delivers to it.
    """
    delivers = len(processes) > 1
    best, cpu = 0.0, [0.0] * len(processes)
    for _ in range(chosen.rounds):
        before = [cpu_seconds(each) for each in processes]
        rate = wrk(url, folder, size, chosen.seconds).rate
        if delivers:
            settle(url)
        if rate > best:
            messages = rate * size * chosen.seconds
            after = [cpu_seconds(each) for each in processes]
            cpu = [(b - a) / messages * 1e6 for a, b in zip(before, after, strict=True)]
            best = rate
    at_half = wrk(url, folder, size, chosen.seconds, half or best / 2)
    if delivers:
        settle(url)
    return Measured(best, at_half.p50, at_half.p99, tuple(cpu))


def processes_of(process: subprocess.Popen[str]) -> list[int]:
    """The ids of a process and of those that it has started."""
    children = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [process.pid, *(int(each) for path in children for each in path.read_text().split())]


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    """How long a process and those that it has started have worked, all threads together."""
    ticks = 0
    for pid in processes_of(process):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(process: subprocess.Popen[str]) -> list[int]:
    """The largest resident sizes that a process and those that it has started ever had."""
    sizes = []
    for pid in processes_of(process):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        sizes.append(int(found[1]) // 1024 if found else 0)
    return sizes


def compare(folder: Path, chosen: argparse.Namespace) -> None:
    """One line for each server and size."""
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"token": "T", "people": True}))
    python = [sys.executable, "-m"]
    serve = [*python, "mock_mixpanel", "serve", "--port", "0", "--keep", "100000"]
    with running(serve) as (mock, mock_process), running([sys.executable, "-c", BARE]) as bare:
        gateway = [*python, "translator", "gateway", "--settings", str(settings), "--port", "0"]
        gateway += ["--base-url", mock]
        spool = ["--spool", str(folder / "spool")]
        with running(gateway) as in_memory, running([*gateway, *spool]) as with_spool:
            gateways = {"in memory": in_memory, "with a spool": with_spool}
            table = []
            for size in chosen.sizes:
                base = measure(bare[0], folder, size, chosen, [bare[1]])
                show("bare application", size, base)
                for name, (url, process) in gateways.items():
                    target = TARGETS.get((size, name == "with a spool"))
                    half = target / size / 2 if target else None
                    found = measure(url, folder, size, chosen, [process, mock_process], half)
                    show(name, size, found)
                    table.append(row(f"{size} a request, {name}", size, found, base, target))
                    record(f"{size} a request, {name}", found.rate / base.rate, "bare application")
            for name, (_, process) in gateways.items():
                sizes = " + ".join(map(str, memory_mb(process)))
                print(f"largest resident size of its processes, {name}: {sizes} MB")
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"load of the machine (1, 5, 15 minutes): {load}; processors: {os.cpu_count()}\n")
    print(f"{'':28}   messages/s   target   x bare   p99 at half load (target {P99_TARGET_MS} ms)")
    print("\n".join(table))


def show(name: str, size: int, found: Measured) -> None:
    """Print what was measured."""
    cpu = " + ".join(f"{each:.0f}" for each in found.cpu_us)
    print(
        f"{name:16} {size:3} a request {found.rate:7,.0f} requests/s {found.rate * size:8,.0f}"
        f" messages/s, CPU {cpu} us/message, at half load p50 {found.p50:.1f} ms"
        f" p99 {found.p99:.1f} ms",
        flush=True,
    )


def row(name: str, size: int, found: Measured, base: Measured, target: int | None) -> str:
    """A line of the table: a figure beside its target and the bare application."""
    wanted = f"{target:8,}" if target else f"{'-':>8}"
    ratio = found.rate / base.rate
    return f"{name:28} {found.rate * size:12,.0f} {wanted} {ratio:8.3f} {found.p99:10.1f} ms"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=2, help="rounds; the best one counts")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1, 50], help="messages a request")
    chosen = parser.parse_args()
    if not shutil.which("wrk"):
        print("left out: wrk is not installed; it is in Debian's packages", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), chosen)


if __name__ == "__main__":
    main()
