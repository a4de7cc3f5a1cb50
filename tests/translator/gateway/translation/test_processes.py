"""Translation in processes beside the gateway's own."""

import asyncio
import gzip
import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from mock_mixpanel.client import MockMixpanel
from tests.translator.gateway.build import NOW
from tests.translator.gateway.test_command import running
from translator import Rules, Settings
from translator.core.operations import Json
from translator.gateway.http.arrival_order import ArrivalOrder
from translator.gateway.messages.bodies import BadRequestError
from translator.gateway.messages.segment_limits import NONE, SEGMENT, Limits
from translator.gateway.translation import pool as pool_module
from translator.gateway.translation.pool import ProcessEndedError, TranslationPool
from translator.gateway.translation.request_translation import (
    PIECE_MESSAGES,
    Call,
    translate_request,
)
from translator.gateway.translation.source_translation import SourceTranslation, TranslatedMessage

US = {"https://api.mixpanel.com": "http://127.0.0.1:9"}


def source(**settings: Any) -> SourceTranslation:
    chosen = Settings.from_json({"token": "T", "people": True, **settings})
    return SourceTranslation(chosen, Rules.documented(), base_urls=US)


def call(body: Any, *, encoding: str = "", limits: Limits = NONE) -> Call:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Call("batch", text, encoding, "", "192.0.2.1", NOW, limits)


def track(number: int, **fields: Any) -> Json:
    return {"type": "track", "event": "A", "userId": "u", "messageId": str(number), **fields}


class Running:
    """A pool of processes that are ready, and an event loop to use it."""

    def __init__(self, processes: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.pool = TranslationPool(processes)
        self._task = self.loop.create_task(self.pool.run())
        self.loop.run_until_complete(self._ready(processes))

    async def _ready(self, processes: int) -> None:
        async with asyncio.timeout(60):
            while self.pool.ready < processes:
                await asyncio.sleep(0.01)

    def translate(
        self, used: SourceTranslation, given: Call, *, large: bool = False
    ) -> list[list[TranslatedMessage]]:
        """The pieces of a request."""

        async def pieces() -> list[list[TranslatedMessage]]:
            return [each async for each in self.pool.translate("", used, given, large=large)]

        return self.loop.run_until_complete(pieces())

    def close(self) -> None:
        self._task.cancel()
        self.loop.run_until_complete(asyncio.wait([self._task]))
        self.loop.close()


@pytest.fixture(scope="module")
def pool() -> Iterator[Running]:
    made = Running(1)
    yield made
    made.close()


BODIES = {
    "messages": call({"batch": [track(1), track(2, properties={"revenue": 3, "x": 2**70})]}),
    "bad messages": call(
        {"batch": [7, {"messageId": "m"}, track(3, timestamp="soon"), track(4, event=None)]}
    ),
    "a lone surrogate": call(
        b'{"batch": [{"type": "track", "event": "\\ud800", "userId": "u", "messageId": "8"}]}'
    ),
    "an old event without a secret": call({"batch": [track(5, timestamp="2001-01-01T00:00:00Z")]}),
    "too large for Segment": call({"batch": [track(6, x="y" * 40_000)]}, limits=SEGMENT),
    "gzip": call(gzip.compress(json.dumps({"batch": [track(7)]}).encode()), encoding="gzip"),
    "nothing": call({"batch": []}),
}


@pytest.mark.parametrize("name", BODIES)
def test_another_process_gives_the_same(pool: Running, name: str) -> None:
    """A process gives what this one would, also for bad messages, and for each size of request."""
    given = BODIES[name]
    here = list(translate_request(given, source()))
    for large in (False, True):
        there = [each for piece in pool.translate(source(), given, large=large) for each in piece]
        assert there == here


def test_a_bad_request_is_refused(pool: Running) -> None:
    """A request that is refused has the status and the reason that it would have here."""
    with pytest.raises(BadRequestError, match="the body is not JSON") as caught:
        pool.translate(source(), call(b"{"))
    assert caught.value.status == 400


@pytest.mark.parametrize("large", [False, True])
def test_pieces(pool: Running, large: bool) -> None:
    """A request with many messages comes in pieces, in order."""
    body = {"batch": [track(number) for number in range(2 * PIECE_MESSAGES + 1)]}
    pieces = pool.translate(source(), call(body), large=large)
    assert [len(each) for each in pieces] == [PIECE_MESSAGES, PIECE_MESSAGES, 1]
    ids = [message_id for piece in pieces for _, message_id, *_ in piece]
    assert ids == [str(number) for number in range(2 * PIECE_MESSAGES + 1)]


def test_small_requests_do_not_wait_for_large_ones(pool: Running) -> None:
    """While a process has a large request, it translates a small one that comes later."""
    many = call({"batch": [track(number) for number in range(4 * PIECE_MESSAGES)]})
    ended: list[str] = []

    async def one(name: str, given: Call, *, large: bool) -> None:
        async for _ in pool.pool.translate("", source(), given, large=large):
            pass
        ended.append(name)

    async def both() -> None:
        task = asyncio.create_task(one("large", many, large=True))
        await asyncio.sleep(0)
        await one("small", call({"batch": [track(1)]}), large=False)
        await task

    pool.loop.run_until_complete(both())
    assert ended == ["small", "large"]


def test_changed_settings_hold_from_the_next_request(pool: Running) -> None:
    """A process translates each request with the settings that its source has at that moment."""
    tokens = []
    for token in ("one", "two", "one"):
        [[message]] = pool.translate(source(token=token), call({"batch": [track(1)]}))
        *_, [(_, _, text, *_)], _ = message
        tokens.append(json.loads(text)["properties"]["token"])
    assert tokens == ["one", "two", "one"]


def test_without_a_process() -> None:
    """A pool without a ready process says so; the caller translates."""

    async def run() -> None:
        async for _ in TranslationPool(0).translate("", source(), BODIES["messages"], large=False):
            pass

    with pytest.raises(ProcessEndedError):
        asyncio.run(run())


def test_a_killed_process_is_replaced() -> None:
    """A request whose process is killed ends with an error at once, and another one starts."""
    others = children(os.getpid())
    running_pool = Running(1)
    [child] = set(children(os.getpid())) - set(others)
    many = call({"batch": [track(number) for number in range(20_000)]})

    async def killed() -> None:
        async for _ in running_pool.pool.translate("", source(), many, large=True):
            os.kill(child, signal.SIGKILL)

    with pytest.raises(ProcessEndedError):
        running_pool.loop.run_until_complete(killed())
    running_pool.loop.run_until_complete(running_pool._ready(1))
    assert len(running_pool.translate(source(), BODIES["messages"])) == 1
    running_pool.close()


def test_a_stopped_process_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that says nothing for too long is killed, so that its requests do not wait."""
    monkeypatch.setattr(pool_module, "STUCK_SECONDS", 0.1)
    monkeypatch.setattr(pool_module, "LOOKED_AT_SECONDS", 0.05)
    others = children(os.getpid())
    running_pool = Running(1)
    [child] = set(children(os.getpid())) - set(others)
    os.kill(child, signal.SIGSTOP)
    with pytest.raises(ProcessEndedError):
        running_pool.translate(source(), BODIES["messages"])
    running_pool.close()


def children(pid: int) -> list[int]:
    """The translation processes of a process."""
    found = subprocess.run(
        ["pgrep", "-P", str(pid), "-f", "translation.worker"], capture_output=True, text=True
    )
    return [int(each) for each in found.stdout.split()]


def test_killed_under_load(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """While its processes are killed, the gateway answers every request, and each event is there
    once and in order."""
    pad = {"pad": "x" * 1000}
    stopped = threading.Event()
    sent: Counter[str] = Counter()
    failed: list[int] = []

    def send(who: str) -> None:
        with requests.Session() as session:
            while not stopped.is_set():
                first = sent[who]
                batch = [
                    track(0, userId=who, messageId=f"{who}-{n}", properties={"n": n, **pad})
                    for n in range(first, first + 20)
                ]
                answer = session.post(f"{url}/v1/batch", json={"batch": batch}, timeout=30)
                if answer.status_code != 200:
                    failed.append(answer.status_code)
                sent[who] += 20

    with running(mock_mixpanel, tmp_path, "--processes", "2") as (process, url):
        threads = [threading.Thread(target=send, args=(f"user-{n}",)) for n in range(3)]
        for each in threads:
            each.start()
        kills = 0
        until = time.monotonic() + 30
        while kills < 2 and time.monotonic() < until:
            metrics = requests.get(f"{url}/metrics", timeout=30).text
            ready = "gateway_translation_processes 0.0" not in metrics
            for child in children(process.pid) if ready else []:
                os.kill(child, signal.SIGKILL)
                kills += 1
        stopped.set()
        for each in threads:
            each.join()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert failed == []
    assert kills >= 2
    assert json.loads(out)["delivered"] == sent.total()
    assert "Traceback" not in err
    seen: dict[str, list[int]] = {}
    for event in mock_mixpanel.events():
        seen.setdefault(event["distinct_id"], []).append(event["properties"]["n"])
    assert seen == {who: list(range(count)) for who, count in sent.items()}


def test_requests_have_their_turns_in_the_order_of_arrival() -> None:
    """A request waits for those before it, whichever is translated first; one that fails does not
    let a later one overtake."""
    done: list[int] = []

    async def run() -> None:
        order = ArrivalOrder()
        turns = [order.next() for _ in range(4)]

        async def request(place: int) -> None:
            with turns[place] as turn:
                await turn.come()
                done.append(place)

        with turns[1]:
            pass  # refused while the first one is being translated
        later = [asyncio.create_task(request(place)) for place in (3, 2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert done == []
        await request(0)
        await asyncio.gather(*later)

    asyncio.run(run())
    assert done == [0, 2, 3]
