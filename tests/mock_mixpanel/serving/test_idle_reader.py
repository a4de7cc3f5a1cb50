"""What arrived is read while nothing arrives."""

import threading

from mock_mixpanel.serving.idle_reader import IdleReader


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
