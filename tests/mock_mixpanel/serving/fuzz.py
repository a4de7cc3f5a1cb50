"""Random hostile requests to a running mock, the same ones for the same seed.

    python -m tests.mock_mixpanel.serving.fuzz URL [--requests N] [--seed N] [--pid PID]

Tests run a few hundred; by hand run as many as you like. It stops at the first response that is a
500, that takes too long, or that is not HTTP, and prints the request. With `--pid` it also prints
the memory of a server process and of its children.
"""

import argparse
import base64
import gzip
import http.client
import json
import socket
import string
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

SECONDS = 30
"""How long a response may take."""

TOKENS = ("T", "U", "", "\ud800", "a/b", "\0", "x" * 300)
IDS = ("a", "b", "$device:c", "", "\ud83d", "1", "anonymous", "x" * 200)
WORDS = (
    *("event", "properties", "token", "time", "distinct_id", "alias", "ip", "$insert_id"),
    *("$device_id", "$user_id", "$anon_distinct_id", "$identified_id", "$distinct_ids"),
    *("$token", "$distinct_id", "$group_key", "$group_id", "$set", "$set_once", "$add", "$append"),
    *("$union", "$remove", "$unset", "$delete", "$ignore_time", "$ignore_alias", "$time", "$ip"),
    *("verbose", "strict", "img", "callback", "project_id", "api_key", "data", "where", "page"),
    *("session_id", "from_date", "to_date", "limit", "distinct_ids", "output_properties", "since"),
    *("now", "advance", "freeze", "match", "action", "identity", "limits", "alias_delay", "geo"),
)
EVENTS = ("E", "$create_alias", "$identify", "$merge", "mp_page_view", "", "x" * 300)
PATHS = (
    *("/track", "/track/", "//track", "/import", "/import?strict=1", "/engage", "/groups"),
    *("/api/2.0/export", "/api/2.0/engage", "/api/query/engage", "/api/app/me", "/flags"),
    *("/api/app/projects/T/data-groups", "/api/app/validate-project-credentials"),
    *("/api/app/data-deletions/v3.0", "/api/app/data-retrievals/v3.0", "/flags/definitions"),
    *("/lookup-tables", "/lookup-tables/t", "/flags/f/first-time-events", "/record", "/settings"),
    *("/decide", "/nowhere", "/_mock/requests", "/_mock/events", "/_mock/profiles"),
    *("/_mock/groups", "/_mock/rejected", "/_mock/leaks", "/_mock/identities", "/_mock/clock"),
    *("/_mock/faults", "/_mock/projects/T", "/_mock/projects/%ff%00/x", "/_mock/openapi.json"),
    *("/_mock/health", "/_mock/nowhere", "/_mock/ui/", "/_mock"),
)
METHODS = ("POST",) * 8 + ("GET",) * 6 + ("PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
TYPES = (
    *("application/json",) * 4,
    *("application/x-www-form-urlencoded", "text/plain", "application/x-ndjson", "", "a/b"),
    *("multipart/form-data; boundary=x", "multipart/form-data", "text/csv", "application/json; ="),
)
HEADERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Host", ("x", "evil.example", "api-eu.mixpanel.com", "", "[", "a b", "\xff", "x:99999999")),
    ("Origin", ("http://a.test", "null", "\xff", "a\tb", "x" * 400)),
    ("Sec-Fetch-Site", ("cross-site", "same-origin", "\xff")),
    ("Authorization", ("Basic VDo=", "Basic", "Basic =", "Bearer x", "Basic /w==", "Digest x")),
    ("Content-Encoding", ("gzip", "br", "identity", "gzip, gzip")),
    ("X-Forwarded-For", ("192.0.2.1", "::1, x", "\xff", "," * 50)),
    ("Expect", ("100-continue", "x")),
    ("Connection", ("close", "keep-alive", "Upgrade", "x")),
    ("Upgrade", ("h2c", "websocket")),
    ("Cookie", ("a=b; mock_mixpanel_1=x", "=;=", "\xff")),
    ("Access-Control-Request-Headers", ("x-a", "\xff", "a\tb")),
    ("X_Under_Score", ("x",)),
)


class Request(NamedTuple):
    """The bytes to send, and whether they are one whole request, with its method."""

    sent: bytes
    method: str
    whole: bool


class Fuzzer:
    """Makes requests from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def requests(self, count: int) -> Iterator[Request]:
        """So many requests."""
        for _ in range(count):
            request = self._request()
            yield self._damaged(request) if self._chance(0.15) else request

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _text(self) -> str:
        draw = self._random
        return draw.choice(
            [
                draw.choice(IDS),
                draw.choice(WORDS),
                "".join(draw.choices(string.printable, k=draw.randrange(12))),
                "".join(chr(draw.randrange(0x110000)) for _ in range(draw.randrange(4))),
                "2026-06-15",
                "x" * draw.choice([1, 254, 255, 256, 5000]),
            ]
        )

    def _scalar(self) -> Any:
        draw = self._random
        return draw.choice(
            [
                None,
                draw.random() < 0.5,
                draw.randrange(-5, 5),
                draw.choice([2**63, -(2**64), 10**30, 1e308, 5e-324, 1e11, 253402300800, 0.1]),
                time.time() - draw.choice([0, 1, 6 * 86400, -86400]),
                self._text(),
            ]
        )

    def _value(self, depth: int = 3) -> Any:
        draw = self._random
        kind = draw.random()
        if depth == 0 or kind < 0.6:
            return self._scalar()
        if kind < 0.75:
            return [self._value(depth - 1) for _ in range(draw.randrange(4))]
        return {self._key(): self._value(depth - 1) for _ in range(draw.randrange(5))}

    def _key(self) -> str:
        return self._random.choice(WORDS) if self._chance(0.8) else self._text()

    def _record(self) -> Any:
        draw = self._random
        more = {self._key(): self._value(2) for _ in range(draw.randrange(5))}
        if draw.random() < 0.1:
            return self._value()
        if draw.random() < 0.5:
            named = {"token": draw.choice(TOKENS), "distinct_id": draw.choice(IDS)}
            return {"event": draw.choice(EVENTS), "properties": named | more}
        group = {"$group_key": draw.choice(WORDS), "$group_id": draw.choice(IDS)}
        return {"$token": draw.choice(TOKENS), "$distinct_id": draw.choice(IDS)} | group | more

    def _json(self) -> bytes:
        draw = self._random
        if draw.random() < 0.05:
            return draw.choice(
                [
                    b"[" * 2000,
                    b'{"a":' * 2000,
                    b"NaN",
                    b"9" * 9000,
                    b"\xff\xfe{}",
                    b"",
                    b"[{]",
                    b"\0",
                ]
            )
        value = self._record() if self._chance(0.3) else [self._record() for _ in range(4)]
        text = json.dumps(value, ensure_ascii=self._chance(0.5))
        return text.encode(errors="surrogatepass" if self._chance(0.5) else "replace")

    def _body(self, kind: str) -> bytes:
        text = self._json()
        if "form-urlencoded" in kind:
            data = base64.b64encode(text) if self._chance(0.5) else text
            return f"data={quote(data)}&verbose=1&{quote(self._text(), errors='replace')}".encode()
        if "multipart" in kind:
            name = self._random.choice(["data", "x", '"', ""])
            head = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
            return head + text + self._random.choice([b"\r\n--x--\r\n", b"\r\n--x", b""])
        if "ndjson" in kind or "csv" in kind:
            return b"\n".join([text, self._json()])
        return self._random.randbytes(40) if self._chance(0.05) else text

    def _control(self, path: str) -> bytes:
        """The body of a call of the control API that leaves the mock usable for what follows."""
        if "faults" in path and self._chance(0.8):
            action = {self._random.choice(["status", "close", "delay", "x"]): self._value(1)}
            return json.dumps({"match": {"token": "nobody"}, "action": action}).encode()
        if "clock" in path:
            moved = {self._random.choice(["advance", "x"]): self._random.choice([1, -1, "a", None])}
            return json.dumps(moved).encode()
        return self._json()

    def _request(self) -> Request:
        draw = self._random
        method, path, kind = draw.choice(METHODS), draw.choice(PATHS), draw.choice(TYPES)
        query = "&".join(
            f"{draw.choice(WORDS)}={quote(self._text(), errors='replace')}"
            for _ in range(draw.randrange(4))
        )
        if draw.random() < 0.1:
            query += "&data=" + quote(self._json())
        target = path + (("&" if "?" in path else "?") + query if query else "")
        body = self._control(path) if path.startswith("/_mock") else self._body(kind)
        return self._on_the_wire(method, target, kind, body)

    def _on_the_wire(self, method: str, target: str, kind: str, body: bytes) -> Request:
        """A request with some unusual headers, compressed or in chunks at times."""
        draw = self._random
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}"]
        for name, values in HEADERS:
            if draw.random() < 0.06:
                value = draw.choice(values)
                if name == "Host":
                    lines.pop(1)
                if value == "gzip":
                    body = gzip.compress(body)[: None if draw.random() < 0.8 else -5]
                lines.append(f"{name}: {value}")
        head = "\r\n".join(lines).encode("latin-1")
        if draw.random() < 0.1:
            half = len(body) // 2
            pieces = [piece for piece in (body[:half], body[half:]) if piece]
            chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
            sent = head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
        else:
            sent = head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        return Request(sent, method, "Upgrade" not in lines)

    def _damaged(self, request: Request) -> Request:
        """The request with some bytes cut, replaced or repeated."""
        draw, sent = self._random, request.sent
        for _ in range(draw.randrange(1, 4)):
            place, length = draw.randrange(len(sent) + 1), draw.choice([0, 1, 2, 20, 10_000])
            piece = draw.choice([b"", b"\r\n", b"\0", b"\xff", b" ", b":", b"%", b"9" * 30])
            sent = sent[:place] + piece + sent[place + length :]
        return Request(sent, request.method, whole=False)


class FuzzError(Exception):
    """A response that must not be; the message has the request."""


class Client:
    """Sends requests and checks responses. Whole requests share a connection."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._address = (address.hostname or "", address.port or 80)
        self._kept: socket.socket | None = None
        self.statuses: Counter[int] = Counter()

    def send(self, request: Request) -> None:
        """Send one request. Raises FuzzError if its response is a 500, late, or not HTTP."""
        try:
            if request.whole:
                self._send_whole(request)
            else:
                self._send_damaged(request)
        except (OSError, http.client.HTTPException) as error:
            raise FuzzError(f"{error!r} after {request.sent[:3000]!r}") from error

    def close(self) -> None:
        """Close the kept connection."""
        if self._kept:
            self._kept.close()
        self._kept = None

    def _send_whole(self, request: Request) -> None:
        if not self._kept:
            self._kept = socket.create_connection(self._address, timeout=SECONDS)
        self._kept.sendall(request.sent)
        response = http.client.HTTPResponse(self._kept, method=request.method)
        response.begin()
        response.read()
        self._check(response.status, request)
        if response.will_close:
            self.close()

    def _send_damaged(self, request: Request) -> None:
        with socket.create_connection(self._address, timeout=SECONDS) as connection:
            try:
                connection.sendall(request.sent)
                connection.shutdown(socket.SHUT_WR)
                received = b"".join(iter(lambda: connection.recv(65536), b""))
            except (ConnectionResetError, BrokenPipeError):  # Closed while it was still sending.
                return
        for line in received.split(b"HTTP/1.1 ")[1:]:
            if line[:3].isdigit():
                self._check(int(line[:3]), request)

    def _check(self, status: int, request: Request) -> None:
        self.statuses[status] += 1
        if status == 500:
            raise FuzzError(f"500 after {request.sent[:3000]!r}")


def run(
    url: str,
    count: int,
    seed: int,
    watch: Callable[[int], object] = int,
    fuzzer: type[Fuzzer] = Fuzzer,
) -> Counter[int]:
    """Send requests; returns how often each status came. `watch` is called after each request.

    Raises FuzzError at the first response that must not be.
    """
    client = Client(url)
    try:
        for number, request in enumerate(fuzzer(seed).requests(count), start=1):
            client.send(request)
            watch(number)
    finally:
        client.close()
    return client.statuses


def megabytes(pid: int) -> int:
    """The memory of a process and of its children, in MB."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = Path(f"/proc/{pid}/status").read_text()
    kilobytes = int(own.partition("VmRSS:")[2].split()[0])
    return kilobytes // 1024 + sum(megabytes(int(child)) for child in tasks)


def main(description: str | None = __doc__, fuzzer: type[Fuzzer] = Fuzzer) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("url")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pid", type=int)
    chosen = parser.parse_args()
    start = time.monotonic()

    def watch(number: int) -> None:
        if number % 2000 == 0:
            memory = f", {megabytes(chosen.pid)} MB" if chosen.pid else ""
            print(f"{number} requests, {time.monotonic() - start:.0f} s{memory}", flush=True)

    try:
        statuses = run(chosen.url, chosen.requests, chosen.seed, watch, fuzzer)
    except FuzzError as error:
        sys.exit(str(error))
    print(dict(statuses.most_common()))


if __name__ == "__main__":
    main()
