"""A job without workers says that it waits for them."""

import pytest

from translator.spark.waiting import FIRST_SECONDS, LATER_SECONDS, watch


class Waits:
    """A clock: it notes the waits, and ends the watch after some of them."""

    def __init__(self, most: int) -> None:
        self.seconds: list[float] = []
        self._most = most

    def wait(self, timeout: float) -> bool:
        self.seconds.append(timeout)
        return len(self.seconds) > self._most


def test_a_job_without_workers(capsys: pytest.CaptureFixture[str]) -> None:
    """A job without workers prints after ten seconds, and then every minute, how long it waited."""
    stop = Waits(2)
    watch(lambda: 0, "at spark://host:7077: it needs a worker", stop)
    assert capsys.readouterr().err.splitlines() == [
        "the job waits for workers, 10 s so far, at spark://host:7077: it needs a worker",
        "the job waits for workers, 70 s so far, at spark://host:7077: it needs a worker",
    ]
    assert stop.seconds == [FIRST_SECONDS, LATER_SECONDS, LATER_SECONDS]


def test_a_job_that_loses_its_workers(capsys: pytest.CaptureFixture[str]) -> None:
    """Workers that come end the messages; if they are lost, the messages begin again."""
    counts = iter([2, 2, 0, 1])
    watch(lambda: next(counts), "at x", Waits(4))
    assert capsys.readouterr().err == "the job waits for workers, 10 s so far, at x\n"


def test_spark_has_ended(capsys: pytest.CaptureFixture[str]) -> None:
    """The watch ends without a message: the error of the job says what happened."""

    def gone() -> int:
        raise ConnectionRefusedError

    stop = Waits(9)
    watch(gone, "at x", stop)
    assert (stop.seconds, capsys.readouterr().err) == ([FIRST_SECONDS], "")
