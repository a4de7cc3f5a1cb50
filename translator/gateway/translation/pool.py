"""The processes that translate beside the main one, as the event loop sees them.

Translation is pure, so a process holds nothing that could be lost: when one dies, its requests are
translated in the main process, and another one is started.
"""

import asyncio
import logging
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from typing import Any

from translator.gateway.messages.bodies import BadRequestError
from translator.gateway.translation.frames import (
    Configure,
    Frames,
    Piece,
    Ready,
    TranslationJob,
    frame,
)
from translator.gateway.translation.request_translation import Call
from translator.gateway.translation.source_translation import SourceTranslation, TranslatedMessage
from translator.sender.logs import LogEvent

log = logging.getLogger("translator.gateway")

MOST_BY_DEFAULT = 3
"""More processes than this do not help: the main one is the limit then."""

RESTART_SECONDS = (1.0, 60.0)
"""The wait before a process is started again; it doubles up to the second value while they end
before they are ready."""

STUCK_SECONDS = 30.0
"""A process that has jobs and says nothing for so long is killed; it does not even do a piece."""

LOOKED_AT_SECONDS = 5.0
"""Seconds between two checks for such processes."""

COMMAND = (sys.executable, "-m", "translator.gateway.translation.worker")


def default_processes() -> int:
    """One for each processor but the one of the main process; none where they are not possible."""
    if os.name != "posix":
        return 0
    return max(0, min(len(os.sched_getaffinity(0)) - 1, MOST_BY_DEFAULT))


class ProcessEndedError(Exception):
    """No process does the job, or the one that did it has ended."""


class _Pieces:
    """The pieces of one job, as they arrive."""

    def __init__(self) -> None:
        self._arrived: deque[Piece | None] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def add(self, piece: Piece | None) -> None:
        """A piece has arrived; None if the process has ended."""
        self._arrived.append(piece)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> Piece | None:
        """The next piece."""
        while not self._arrived:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._arrived.popleft()


class _Process(asyncio.Protocol):
    """One process, and the jobs that it has."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.ready = False
        self.was_ready = False
        self.jobs: dict[int, _Pieces] = {}
        self.ended: asyncio.Future[None] = loop.create_future()
        self._clock = loop.time
        self._heard_at = 0.0
        """When it last said something, or got a job when it had none."""
        self._frames = Frames()
        self._configured: dict[str, SourceTranslation] = {}
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def is_stuck(self) -> bool:
        """Whether it has not done what it should have done long ago."""
        return bool(self.jobs) and self._clock() - self._heard_at > STUCK_SECONDS

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._clock()
        for content in self._frames.feed(data):
            if isinstance(content, Ready):
                self.ready = self.was_ready = True
                continue
            found = self.jobs.get(content.number)
            if content.last:
                self.jobs.pop(content.number, None)
            if found:
                found.add(content)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ready = False
        for pieces in self.jobs.values():
            pieces.add(None)
        self.jobs.clear()
        if not self.ended.done():
            self.ended.set_result(None)

    def begin(self, job: TranslationJob, source: SourceTranslation) -> _Pieces:
        """Send a job."""
        if self._configured.get(job.name) is not source:
            # A copy has nothing that was computed from the settings.
            self._transport.write(frame(Configure(job.name, replace(source))))
            self._configured[job.name] = source
        if not self.jobs:
            self._heard_at = self._clock()
        pieces = self.jobs[job.number] = _Pieces()
        self._transport.write(frame(job))
        return pieces

    def close(self) -> None:
        """Let the process end."""
        if self._transport:
            self._transport.close()


class TranslationPool:
    """`processes` translate, once `run` has started them."""

    def __init__(self, processes: int) -> None:
        self._wanted = processes
        self._processes: list[_Process] = []
        self._numbers = count()

    @property
    def ready(self) -> int:
        """The number of processes that are ready for jobs."""
        return sum(each.ready for each in self._processes)

    async def run(self) -> None:
        """Keep the processes running until cancelled."""
        await asyncio.gather(*(self._keep_one() for _ in range(self._wanted)))

    async def translate(
        self, name: str, source: SourceTranslation, call: Call, *, large: bool
    ) -> AsyncIterator[list[TranslatedMessage]]:
        """The messages of a request in pieces; `name` is that of the source.

        Raises BadRequestError as `translate_request` does, and ProcessEndedError: then the caller
        has to translate all messages after those that it got.
        """
        ready = [each for each in self._processes if each.ready]
        if not ready:
            raise ProcessEndedError
        process = min(ready, key=lambda each: len(each.jobs))
        number = next(self._numbers)
        pieces = process.begin(TranslationJob(number, name, call, large), source)
        try:
            last = False
            while not last:
                piece = await pieces.next()
                if piece is None or piece.failed:
                    raise ProcessEndedError
                if piece.refusal:
                    raise BadRequestError(*piece.refusal)
                last = piece.last
                if piece.messages:
                    yield piece.messages
        finally:
            process.jobs.pop(number, None)

    async def _keep_one(self) -> None:
        wait, longest = RESTART_SECONDS
        while True:
            try:
                was_ready = await self._run_one()
            except OSError as error:
                was_ready = False
                log.error(LogEvent("translation_process_not_started", reason=str(error)))
            wait = RESTART_SECONDS[0] if was_ready else min(2 * wait, longest)
            await asyncio.sleep(wait)

    async def _run_one(self) -> bool:
        """Run a process until it ends; whether it was ready before."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                child = subprocess.Popen(  # noqa: S603
                    COMMAND, stdin=theirs.fileno(), stdout=subprocess.DEVNULL
                )
        except OSError:
            ours.close()
            raise
        loop = asyncio.get_running_loop()
        process: _Process | None = None
        try:
            _, process = await loop.create_connection(_Process, sock=ours)
            self._processes.append(process)
            while not process.ended.done():
                await asyncio.wait([process.ended], timeout=LOOKED_AT_SECONDS)
                if process.is_stuck():
                    child.kill()
            log.warning(LogEvent("translation_process_ended", pid=child.pid))
            return process.was_ready
        finally:
            if process in self._processes:
                self._processes.remove(process)
            child.kill()  # it holds nothing that could be lost
            child.wait()
            if process:
                process.close()
            else:
                ours.close()
