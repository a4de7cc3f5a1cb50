"""Requests are read into the projections while no request arrives."""

import threading
from collections.abc import Callable

import pytest

from mock_mixpanel.serving import idle_reader
from mock_mixpanel.serving.idle_reader import (
    BUSY_SECONDS,
    BUSY_SLICE_SECONDS,
    SLICE_SECONDS,
    IdleReader,
)


def test_reads_until_nothing_is_left() -> None:
    """After a request it reads slice by slice until nothing is left, and again after the next."""
    left, calls, done = [3], [0], threading.Semaphore(0)

    def catch_up(seconds: float) -> bool:
        assert seconds > 0
        calls[0] += 1
        left[0] -= 1
        if left[0] <= 0:
            done.release()
        return left[0] <= 0

    reader = IdleReader(catch_up)
    reader.start()
    reader.arrived()
    assert done.acquire(timeout=30)
    assert calls == [3]
    left[0] = 1
    reader.arrived()
    assert done.acquire(timeout=30)
    assert calls == [4]
    reader.stop()


def test_lets_readers_go_first() -> None:
    """It begins no slice while a page is read, and continues by itself when the page is done."""
    slices: list[float] = []
    done = threading.Semaphore(0)

    def catch_up(seconds: float) -> bool:
        slices.append(seconds)
        done.release()
        return True

    reader = IdleReader(catch_up)
    with reader.paused(), reader.paused():
        reader._read()
    assert slices == []
    reader.start()
    assert done.acquire(timeout=30)
    assert slices == [SLICE_SECONDS]
    reader.stop()


def test_an_error_ends_only_this_reading() -> None:
    """A store that cannot be read does not end the thread."""
    called = threading.Semaphore(0)

    def catch_up(seconds: float) -> bool:
        called.release()
        raise OSError("the disk is gone")

    reader = IdleReader(catch_up)
    reader.start()
    for _ in range(2):
        reader.arrived()
        assert called.acquire(timeout=30)
    reader.stop()


def test_stops_before_it_has_read() -> None:
    """It stops at once, whether or not something arrived."""
    reader = IdleReader(lambda seconds: True)
    reader.start()
    reader.stop()


class ConstantNews(threading.Event):
    """Requests arrive all the time; after so many looks it calls `last`."""

    def __init__(self, looks: int, last: Callable[[], object]) -> None:
        super().__init__()
        self._looks, self._last = looks, last

    def wait(self, timeout: float | None = None) -> bool:
        self._looks -= 1
        if not self._looks:
            self._last()
        return True

    def is_set(self) -> bool:
        return True


@pytest.mark.parametrize(("watched", "slices"), [(True, 3), (False, 0)])
def test_reads_under_steady_traffic(
    monkeypatch: pytest.MonkeyPatch, watched: bool, slices: int
) -> None:
    """While requests arrive all the time, it reads one short slice at a time, if somebody waits."""
    monkeypatch.setattr(idle_reader, "QUIET_SECONDS", 0)
    done, lengths, now = threading.Event(), list[float](), [0.0]

    def catch_up(seconds: float) -> bool:
        lengths.append(seconds)
        return False

    def clock() -> float:
        now[0] += BUSY_SECONDS / 2  # So every other round is due.
        return now[0]

    def last() -> None:
        reader._stopped.set()
        done.set()

    reader = IdleReader(catch_up, lambda: watched, clock)
    reader._news = ConstantNews(6, last)
    reader.start()
    assert done.wait(30)
    reader.stop()
    assert lengths == [BUSY_SLICE_SECONDS] * slices


def test_a_page_replaces_a_slice_under_steady_traffic() -> None:
    """Right after a page, which reads a slice itself, it reads none while requests arrive."""
    now, slices = [100.0], list[float]()

    def catch_up(seconds: float) -> bool:
        slices.append(seconds)
        return False

    reader = IdleReader(catch_up, lambda: True, lambda: now[0])
    reader.page_shown()
    now[0] += BUSY_SECONDS / 2
    reader._read()
    assert slices == []
    now[0] += BUSY_SECONDS / 2
    reader._read()
    assert slices == [BUSY_SLICE_SECONDS]
