"""The memory store holds the log in less memory than a few copies of its text."""

import gc
import json
import tracemalloc
from uuid import UUID

import pytest

from mock_mixpanel.backend import Backend
from mock_mixpanel.ingest.endpoints import ingest
from mock_mixpanel.ingest.http_request import Envelope, Incoming
from mock_mixpanel.log.frames import (
    HEADER,
    Damage,
    DamagedError,
    damages,
    pack_frame,
    read_frame,
    rows_in,
)
from mock_mixpanel.log.row_codec import Packed, Row
from mock_mixpanel.log.stores.memory import BLOCK_ROWS, LARGE_ROW, MemoryStore
from mock_mixpanel.state.lists.pagination import Part
from tests.mock_mixpanel.wire import NOW_SECONDS

HEADERS = {
    "Host": "127.0.0.1:8080",
    "User-Agent": "python-requests/2.32.3",
    "Accept-Encoding": "gzip, deflate",
    "Content-Type": "application/json",
}
EVENTS = 2000
BYTES_AN_EVENT = 1000
"""One small event with its request and its place in the project's state needs less than this."""


def test_memory_of_small_events() -> None:
    """A request with one small event takes less than 1 kB, its state after a read included."""
    backend = Backend()
    backend.clock.change(now=NOW_SECONDS, freeze=True)

    def send(number: int) -> None:
        properties = {
            "token": "T",
            "distinct_id": f"user-{number}",
            "$insert_id": str(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)),
            "plan": "pro",
        }
        body = json.dumps([{"event": "Order Completed", "properties": properties}]).encode()
        envelope = Envelope.of("us", "POST", "/track", {}, dict(HEADERS), "127.0.0.1")
        assert ingest(backend, "/track", Incoming(envelope, body)).body == b"1"

    def read() -> int:
        return len(list(backend.projections.event_texts("T", raw=False, part=Part(limit=1))))

    for number in range(200):
        send(number)
    assert read() == 1
    gc.collect()
    tracemalloc.start()
    for number in range(200, 200 + EVENTS):
        send(number)
    assert read() == 1
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held / EVENTS < BYTES_AN_EVENT


@pytest.mark.parametrize("keep", [None, 300])
def test_rows_of_all_sizes_come_back(keep: int | None) -> None:
    """Small and large rows, in and behind compressed blocks, are read as they were written."""
    store = MemoryStore(keep)
    written = []
    for number in range(1, 2 * BLOCK_ROWS + 20):
        body = b"x" * (LARGE_ROW + 1) if number % 7 == 0 else b"%d" % number
        store.append(Packed(f"T{number}", 1, b"head", body))
        written.append(Row(number, number, f"T{number}", b"head", body))
    kept = written if keep is None else [row for row in written if row.id > len(written) - keep]
    assert list(store.page(None, 0).rows) == kept
    assert list(store.page(None, 200).rows) == [row for row in kept if row.id > 200]
    assert store.rows([1, 250, 140, 999]) == [
        row for number in (1, 250, 140) for row in kept if row.id == number
    ]


def test_a_mixed_log_forgets_one_project() -> None:
    """Rows of other projects stay, in compressed blocks too."""
    store = MemoryStore()
    head = b'[[0,"us","POST","/",{},{},200,"1"],[],null,null]'
    for number in range(3 * BLOCK_ROWS):
        store.append(Packed("AB"[number % 2], 1, head, b"[]"))
    store.forget("A")
    assert {row.token for row in store.page(None, 0).rows} == {"B"}
    assert len(store.page(None, 0).rows) == 3 * BLOCK_ROWS / 2


def test_blocks_before_a_forgotten_project_are_kept() -> None:
    """To forget a project packs anew only the rows from its first record on."""
    store = MemoryStore()
    head = b'[[0,"us","POST","/",{},{},200,"1"],[],null,null]'
    for number in range(4 * BLOCK_ROWS):
        token = "B" if number < 2 * BLOCK_ROWS else "AB"[number % 2]
        store.append(Packed(token, 1, head, b"[]"))
    blocks = store._rows._blocks
    store.forget("A")
    assert store._rows._blocks[:2] == blocks[:2]
    assert [row.token for row in store.page(None, 0).rows] == ["B"] * 3 * BLOCK_ROWS


def test_a_project_is_forgotten_in_requests_of_several() -> None:
    """A compressed request with records of two projects loses those of the forgotten one."""
    backend = Backend()
    body = json.dumps([{"event": "E", "properties": {"token": token}} for token in "TU"]).encode()
    for sent in (body, *[body.replace(b"U", b"T")] * BLOCK_ROWS):
        envelope = Envelope.of("us", "POST", "/track", {}, dict(HEADERS), "127.0.0.1")
        assert ingest(backend, "/track", Incoming(envelope, sent)).body == b"1"
    backend.reset("U")
    tokens = [entry.verdict.token for each in backend.log.journal() for entry in each.entries]
    assert tokens == ["T"] * (1 + 2 * BLOCK_ROWS)


ROWS = [Row(n, n, token, b"head", b"body") for n, token in enumerate(["T", None, "\ud800\0"], 1)]
BUFFER = b"".join(map(pack_frame, ROWS))
SIZES = [len(pack_frame(row)) for row in ROWS]


def test_frames_come_back_as_they_were() -> None:
    """A token with a lone surrogate or NUL, and no token, are kept."""
    assert list(rows_in(BUFFER)) == ROWS


@pytest.mark.parametrize("place", range(SIZES[0], SIZES[0] + SIZES[1]))
def test_every_flipped_byte_is_found(place: int) -> None:
    """A frame with any one byte changed is damaged, and the frames around it are not."""
    broken = bytearray(BUFFER)
    broken[place] ^= 1
    with pytest.raises(DamagedError):
        read_frame(bytes(broken), SIZES[0])
    found = list(damages(bytes(broken), len(broken)))
    assert found == [Damage(SIZES[0], SIZES[0] + SIZES[1])]


@pytest.mark.parametrize("left", [0, 1, HEADER - 1, HEADER, HEADER + 3])
def test_a_cut_log_is_damaged_at_its_end(left: int) -> None:
    """A log that ends in the middle of a frame is damaged from that frame on."""
    cut = BUFFER[: SIZES[0] + SIZES[1] + left]
    start = SIZES[0] + SIZES[1]
    expected = [Damage(start, start + left)] if left else []
    assert list(damages(cut, len(cut))) == expected
