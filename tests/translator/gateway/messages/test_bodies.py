"""Reading bodies: limited while they arrive, and after decompression."""

import asyncio
import gzip
import zlib
from typing import Any

import pytest

from translator.gateway.http.receiving import BodyMemory, DisconnectedError, receive_body
from translator.gateway.messages.bodies import BadRequestError, TooLargeError, parse_body

BODY = b'{"a":1}'
LIMIT = 1000


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("", BODY),
        ("identity", BODY),
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("GZIP", gzip.compress(BODY, mtime=0)),
        ("x-gzip", gzip.compress(BODY, mtime=0)),
        ("gzip", gzip.compress(BODY[:3], mtime=0) + gzip.compress(BODY[3:], mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", zlib.compress(BODY, 0)),
        ("deflate", zlib.compress(BODY, wbits=-15)),
    ],
    ids=[
        *("plain", "identity", "gzip", "capitals", "x-gzip", "members", "deflate"),
        *("not compressed", "deflate without a header"),
    ],
)
def test_encodings(encoding: str, packed: bytes) -> None:
    """Plain and compressed bodies are the same JSON."""
    assert parse_body(packed, encoding, LIMIT, 400) == ({"a": 1}, True, len(BODY))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"18446744073709551615", 2**64 - 1),
        (b"18446744073709551616", 2**64),
        (b"-9223372036854775809", -(2**63) - 1),
        (b"18446744073709552000", 1.8446744073709552e19),
        (b"100000000000000000000", 1e20),
        (b"100000000000000000001", 10**20 + 1),
        (b"1" * 100, int("1" * 100)),
        (b"1" * 900, int("1" * 900)),
        (b'"18446744073709551616"', "18446744073709551616"),
        (b"0.12345678901234567890123", 0.12345678901234568),
    ],
)
def test_long_numbers(text: bytes, value: Any) -> None:
    """A whole number keeps its digits, so that the translation can refuse it where no float has
    them: as floats, different ids of people would be one."""
    found = parse_body(b'{"a":%s}' % text, "", LIMIT, 400).value["a"]
    assert (found, type(found)) == (value, type(value))


def test_a_number_that_python_refuses() -> None:
    """A number of more than 4300 digits spoils no other message of its body."""
    body = b'{"batch":[{"a":1},{"a":%s}]}' % (b"9" * 5000)
    first, second = parse_body(body, "", 10_000, 400).value["batch"]
    assert first == {"a": 1}
    assert second["a"] > 2**64


BOMB = gzip.compress(b" " * (LIMIT + 1), mtime=0)


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"{", "", 400),
        (b"", "", 400),
        (b"x", "gzip", 400),
        (gzip.compress(b"{}", mtime=0)[:-9], "gzip", 400),
        (gzip.compress(b"{}", mtime=0) + b"more", "gzip", 400),
        (zlib.compress(b"{}") + b"more", "deflate", 400),
        (gzip.compress(b"{}", mtime=0) + gzip.compress(b"", mtime=0) * 100, "gzip", 400),
        (gzip.compress(b" " * LIMIT, mtime=0) * 2, "gzip", 413),
        (BOMB, "gzip", 413),
        (gzip.compress(BOMB * 100, mtime=0), "gzip", 413),
        (b"{}", "br", 415),
        (b"[" * 100_000, "", 400),
    ],
    ids=[
        *("cut", "empty", "no gzip", "cut gzip", "gzip and more", "deflate and more", "members"),
        *("two large members", "bomb", "large", "unknown", "nested"),
    ],
)
def test_bodies_that_cannot_be_read(body: bytes, encoding: str, status: int) -> None:
    """Each is an error of its own, and a bomb is not unpacked."""
    with pytest.raises(BadRequestError) as caught:
        parse_body(body, encoding, LIMIT, 413)
    assert caught.value.status == status


class Sender:
    """What a client sends, piece by piece."""

    def __init__(self, pieces: list[bytes], *, gone: bool = False) -> None:
        self._events: list[Any] = [
            {"type": "http.request", "body": each, "more_body": gone or n + 1 < len(pieces)}
            for n, each in enumerate(pieces)
        ]
        if gone:
            self._events.append({"type": "http.disconnect"})

    @property
    def left(self) -> int:
        return len(self._events)

    async def receive(self) -> Any:
        return self._events.pop(0)

    def body(self, *headers: tuple[bytes, bytes]) -> bytes:
        return asyncio.run(receive_body(self.receive, headers, LIMIT, 413, BodyMemory()))


def test_a_body_in_pieces() -> None:
    """The pieces of a body are put together."""
    assert Sender([b"a" * 500, b"b" * 500]).body() == b"a" * 500 + b"b" * 500
    assert Sender([b"a" * LIMIT]).body() == b"a" * LIMIT


def test_a_large_body_is_not_read_to_its_end() -> None:
    """It is refused with the piece that exceeds the limit."""
    sender = Sender([b"a" * 500] * 10)
    with pytest.raises(TooLargeError):
        sender.body()
    assert sender.left == 7


def test_a_large_length_is_refused_at_once() -> None:
    """Nothing is read of a body that says that it is too large."""
    sender = Sender([b"a"] * 10)
    with pytest.raises(TooLargeError):
        sender.body((b"content-length", b"1001"))
    assert sender.left == 10


def test_a_client_that_is_gone() -> None:
    """A body that ends too early is not taken for a whole one."""
    with pytest.raises(DisconnectedError):
        Sender([b"{}"], gone=True).body()


def test_the_slowest_body_is_given_up() -> None:
    """When arriving bodies fill the memory, the one that began first is answered 408."""

    async def never() -> Any:
        await asyncio.Event().wait()

    def slow(size: int) -> Any:
        sent = [{"type": "http.request", "body": b"x" * size, "more_body": True}]

        async def receive() -> Any:
            return sent.pop() if sent else await never()

        return receive

    async def run() -> tuple[int, list[bool], bytes]:
        memory = BodyMemory(2500)
        tasks = []
        for _ in range(3):
            reading = receive_body(slow(1000), [], LIMIT, 413, memory)
            tasks.append(asyncio.create_task(reading))
            await asyncio.sleep(0)
        with pytest.raises(BadRequestError) as caught:
            await tasks[0]
        waiting = [each.done() for each in tasks[1:]]
        fast = await receive_body(Sender([b"a", b"b"]).receive, [], LIMIT, 413, memory)
        for each in tasks[1:]:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return caught.value.status, waiting, fast

    assert asyncio.run(run()) == (408, [False, False], b"ab")
