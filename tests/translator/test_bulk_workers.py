import os
import signal
from collections.abc import Iterator

import pytest

from translator.bulk_workers import WorkerEndedError, in_processes


def numbered(chunk: bytes, job: str) -> tuple[bytes, int]:
    """The chunk with the job's name, and its length."""
    if chunk == b"die":
        os.kill(os.getpid(), signal.SIGKILL)
    return f"{job}:{chunk.decode()}".encode(), len(chunk)


def test_answers_come_in_the_order_of_the_chunks() -> None:
    """Whichever process is first, the answers are in order, with their counts."""
    chunks = [b"x" * number for number in (300_000, 1, 200_000, 2, 3, 4, 100_000, 5)]
    answers = list(in_processes(numbered, "job", chunks, 2))
    assert answers == [(b"job:" + chunk, len(chunk)) for chunk in chunks]


def test_only_a_few_chunks_are_read_ahead() -> None:
    """Memory stays bounded: the chunks are read while the answers are taken."""
    read: list[int] = []

    def chunks() -> Iterator[bytes]:
        for number in range(20):
            read.append(number)
            yield b"x"

    answers = in_processes(numbered, "job", chunks(), 2)
    next(answers)
    assert len(read) == 5
    answers.close()
    assert len(read) == 5


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_process_is_an_error(workers: int) -> None:
    """A process that the system kills ends the work with an error, not with a wait for ever."""
    with pytest.raises(WorkerEndedError, match="ended before its work was done"):
        list(in_processes(numbered, "job", [b"a", b"die", b"b", b"c", b"d"], workers))
