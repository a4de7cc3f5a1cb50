"""Waiting in the event loop for messages to be stored."""

import asyncio
from collections import deque
from collections.abc import Sequence

from translator.gateway.intake.intake import Intake
from translator.gateway.intake.intake_result import IntakeResult
from translator.sender.books.spool_records import IncomingMessage


class Answers:
    """Passes the results of the writer threads to the event loop: many results with one wake-up."""

    def __init__(self) -> None:
        self._arrived: deque[tuple[asyncio.Future[IntakeResult], IntakeResult]] = deque()
        self._woken = False
        """Whether the event loop is scheduled to process the results that arrived."""

    def submit(
        self, intake: Intake, messages: Sequence[IncomingMessage]
    ) -> "asyncio.Future[IntakeResult]":
        """Submit messages; the future says whether they are stored."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[IntakeResult] = loop.create_future()

        def done(taken: IntakeResult) -> None:
            self._arrived.append((answer, taken))
            if not self._woken:
                self._woken = True
                loop.call_soon_threadsafe(self._resolve)

        intake.submit(messages, done)
        return answer

    def _resolve(self) -> None:
        self._woken = False
        while self._arrived:
            answer, taken = self._arrived.popleft()
            if not answer.done():
                answer.set_result(taken)
