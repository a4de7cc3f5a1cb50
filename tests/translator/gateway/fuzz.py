"""Random hostile requests to a running gateway, the same ones for the same seed.

    python -m tests.translator.gateway.fuzz URL [--requests N] [--seed N] [--pid PID]

The values, headers, damage and checks are those of the mock's generator. Here are the paths of the
Tracking API and messages that resemble those of Segment's SDKs, with hostile members.
"""

import base64
import gzip
import json
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import quote

from tests.mock_mixpanel.serving.fuzz import Fuzzer, Request, main

PATHS = (
    *("/v1/batch",) * 8,
    *("/v1/import", "/v1/track", "/v1/identify", "/v1/page", "/v1/screen", "/v1/group"),
    *("/v1/alias", "/track", "/batch/", "/v1/t", "/v1/b", "/v1/m", "/v1//track", "/v1/track/x"),
)
RESOURCES = (
    *("/healthz", "/metrics", "/_gateway/messages", "/_gateway/messages?limit=x", "/"),
    *("/v1/projects/k/settings", "/projects/%ff%00/settings", "/v1/projects//settings", "/%ff"),
)
METHODS = ("POST",) * 16 + ("GET", "OPTIONS", "PUT", "HEAD", "DELETE", "TRACE")
TYPES = (
    *("application/json",) * 6,
    *("text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=\xff"),
)
KINDS = ("track",) * 4 + ("identify", "page", "screen", "group", "alias", "Track", "", "delete")
IDS = (
    "a",
    "b",
    "c",
    "",
    " ",
    "1",
    "\ud83d",
    "\0",
    "x" * 300,
    "$device:d",
    "anonymous",
    "__proto__",
)
NAMES = (
    *("Order Completed", "Order Refunded", "$identify", "$create_alias", "$merge", "", "\ud800"),
    *("Product Added", "mp_page_view", "x" * 300, "__proto__", "\0"),
)
WORDS = (
    *("revenue", "total", "value", "products", "email", "firstName", "lastName", "name", "phone"),
    *("createdAt", "created_at", "address", "company", "avatar", "ip", "token", "time", "plan"),
    *("distinct_id", "$insert_id", "$set", "$device_id", "category", "url", "referrer", "title"),
    *("search", "__proto__", "constructor", "a.b", "id", "gender", "mp_lib", "$source"),
)
CONTEXT = (
    *("ip", "userAgent", "locale", "timezone", "groupId", "app", "device", "os", "screen"),
    *("network", "page", "campaign", "library", "location", "traits", "referrer", "active"),
)
TIMES: tuple[Any, ...] = (
    *("2026-06-15T12:00:00.000Z", "2026-06-15T12:00:00+99:99", "2026-02-30", "0000-00-00"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999-23:59", "+275760-09-13T00:00:00Z"),
    *("-271821-04-20T00:00:00Z", "+999999-01-01T00:00:00Z", "2026-06-15T24:00:00Z", "T", "", " "),
    *("2026-06-15T12:00:60Z", "2026-W25-1", "1781524800", "1781524800000", "NaN", "Infinity"),
    *(
        "Mon, 15 Jun 2026 12:00:00 GMT",
        "\u0662\u0660\u0662\u0666-01-01",
        "2026-06-15T12:00:00." + "9" * 400,
    ),
    *(0, -1, 1781524800, 1781524800000, 8.64e15, 8.64e15 + 1, -1e300, 1e308, 2**63, 10**40, 0.1),
    *(None, True, [], {}, ["2026"], {"$date": 1}, "9" * 5000, "2026-06-15T12:00:00Z\0", "\ud800"),
)
TIME_MEMBERS = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")
OBJECTS = ("context", "properties", "traits", "integrations")
LITERALS = (
    *(b"[" * 5000, b'{"batch":[' + b'{"a":' * 3000, b"NaN", b'{"batch":[NaN]}', b"9" * 9000),
    *(b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"", b'{"batch":', b"\0", b"null", b'"batch"', b"{}"),
    *(b'{"batch":[' + b"{}," * 3000 + b"{}]}", b'{"batch":[1,null,"x",[],{}]}'),
    *(b'{"batch":[{"type":"track","type":"alias","userId":"a","event":"E"}]}', b'{"a":1e999}'),
)


@cache
def bombs() -> tuple[bytes, ...]:
    """Bodies of some 40 kB that decompress to 40 MB."""
    return tuple(gzip.compress(letter * 40_000_000, 9) for letter in (b" ", b"[", b"9"))


class GatewayFuzzer(Fuzzer):
    """Makes requests to a gateway from a seed."""

    def _key(self) -> str:
        return self._random.choice(WORDS) if self._chance(0.8) else self._text()

    def _object(self, keys: Callable[[], str]) -> dict[str, Any]:
        members = {keys(): self._value(2) for _ in range(self._random.randrange(5))}
        if self._chance(0.3):
            members[keys()] = self._random.choice(TIMES)
        return members

    def _message(self) -> Any:
        draw = self._random
        if self._chance(0.05):
            return self._value()
        message: dict[str, Any] = {"type": draw.choice(KINDS), "event": draw.choice(NAMES)}
        for name in ("userId", "anonymousId", "previousId", "groupId", "messageId", "name"):
            if self._chance(0.5):
                message[name] = draw.choice(IDS) if self._chance(0.8) else self._value(2)
        for name in TIME_MEMBERS:
            if self._chance(0.3):
                message[name] = draw.choice(TIMES)
        for name in OBJECTS:
            if self._chance(0.5):
                keys = (lambda: draw.choice(CONTEXT)) if name == "context" else self._key
                message[name] = self._object(keys) if self._chance(0.85) else self._value(1)
        if self._chance(0.1):
            message["properties"] = {"products": [self._value(2) for _ in range(6)], "revenue": 1}
        return message

    def _tracked(self, path: str) -> bytes:
        """The body of a call."""
        draw = self._random
        if self._chance(0.05):
            return draw.choice(LITERALS)
        value = self._message()
        if "batch" in path or "import" in path or path.endswith("/b"):
            several = [self._message() for _ in range(draw.choice([0, 1, 2, 5, 5, 60]))]
            batch = several if self._chance(0.95) else self._value(1)
            value = {"batch": batch, "sentAt": draw.choice(TIMES)}
            for name in ("context", "integrations", "writeKey"):
                if self._chance(0.2):
                    value[name] = self._value(2)
        text = json.dumps(value, ensure_ascii=self._chance(0.7))
        return text.encode(errors="surrogatepass" if self._chance(0.5) else "replace")

    def _request(self) -> Request:
        draw = self._random
        is_call = self._chance(0.9)
        path = draw.choice(PATHS if is_call else RESOURCES)
        method = draw.choice(METHODS if is_call else ("GET", "GET", *METHODS))
        kind = draw.choice(TYPES)
        query = quote(self._text(), errors="replace") if self._chance(0.1) else ""
        target = path + (("&" if "?" in path else "?") + query if query else "")
        if self._chance(0.003):
            head = f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
            bomb = draw.choice(bombs())
            return Request(
                f"{head}Content-Length: {len(bomb)}\r\n\r\n".encode() + bomb, "POST", True
            )
        request = self._on_the_wire(method, target, kind, self._tracked(path))
        if self._chance(0.5) and b"\r\nAuthorization:" not in request.sent:
            user = base64.b64encode(b"%s:" % draw.choice([b"key", b"", b"\xff", b"k:k"]))
            first, _, rest = request.sent.partition(b"\r\n")
            sent = first + b"\r\nAuthorization: Basic " + user + b"\r\n" + rest
            request = request._replace(sent=sent)
        return request


if __name__ == "__main__":
    main(__doc__, GatewayFuzzer)
