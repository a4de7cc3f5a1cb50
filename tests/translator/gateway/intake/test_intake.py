"""Storing messages: which thread does it, in which order, and how the sender learns of them."""

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.translator.gateway.build import TestGateway
from translator.gateway.intake import intake as intake_module
from translator.gateway.intake.intake_result import IntakeResult

SECONDS = 30


def track(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "userId": "u", "messageId": name, **fields}


class Submitted:
    """Submits messages, and keeps the answers with the threads that gave them."""

    def __init__(self, gateway: TestGateway) -> None:
        self.gateway = gateway
        self.answers: list[tuple[IntakeResult, threading.Thread]] = []
        self._answered = threading.Semaphore(0)

    def submit(self, *messages: Any) -> None:
        def done(taken: IntakeResult) -> None:
            self.answers.append((taken, threading.current_thread()))
            self._answered.release()

        self.gateway.submit(messages, done)

    def wait(self, count: int) -> None:
        for _ in range(count):
            assert self._answered.acquire(timeout=SECONDS)


def test_a_spool_in_memory_takes_messages_at_once(gateway: TestGateway) -> None:
    """In memory a request is stored by its own thread."""
    submitted = Submitted(gateway)
    submitted.submit(track("A"), track("A"))
    assert submitted.answers == [(IntakeResult(True, 1, 1), threading.current_thread())]


def test_a_spool_file_is_written_by_one_thread(tmp_path: Path) -> None:
    """With a file the writer stores, so that no request waits in the thread that has the others."""
    gateway = TestGateway(tmp_path)
    submitted = Submitted(gateway)
    submitted.submit(track("A"))
    submitted.wait(1)
    gateway.close()
    [(taken, thread)] = submitted.answers
    assert (taken, thread.name) == (IntakeResult(True, 1, 0), "gateway-writer")


def test_a_bad_message_lets_no_later_one_overtake(
    gateway: TestGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead letter is the writer's to store; what is submitted meanwhile comes after it."""
    reported, may_go_on = threading.Event(), threading.Event()

    def report(_: object) -> None:
        reported.set()
        assert may_go_on.wait(SECONDS)

    monkeypatch.setattr(gateway.pipeline.ledger, "_report", report)
    submitted = Submitted(gateway)
    submitted.submit(track("A"), track("bad", timestamp="soon"))
    assert reported.wait(SECONDS)
    submitted.submit(track("B"))
    assert submitted.answers == []
    may_go_on.set()
    submitted.wait(2)
    submitted.submit(track("C"))
    assert [taken.messages for taken, _ in submitted.answers] == [2, 1, 1]
    assert [each["event"] for each in gateway.waiting()] == ["A", "B", "C"]


@pytest.mark.parametrize("count", [1, 3])
def test_the_sender_is_woken(
    gateway: TestGateway, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """The sender is woken for few operations after a moment, and for many at once; each time."""
    monkeypatch.setattr(intake_module, "BATCH_OPERATIONS", 3)
    for number in range(3):
        woken = threading.Event()
        monkeypatch.setattr(gateway.pipeline.sender, "wake", woken.set)
        submitted = Submitted(gateway)
        submitted.submit(*(track(f"{number}-{place}") for place in range(count)))
        assert woken.wait(0 if count == 3 else SECONDS)
