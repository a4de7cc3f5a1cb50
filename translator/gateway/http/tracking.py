"""A call of Segment's Tracking API: from its request to the answer, once its messages are stored.

Everything runs in the event loop, but for the translation of larger bodies, which other processes
may do. A large request lets the others go on in between, so that none of them waits long for it.
Nothing here waits for the disk or for Mixpanel.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from translator.core.operations import Failure
from translator.gateway.http.answers import Answers
from translator.gateway.http.arrival_order import ArrivalOrder
from translator.gateway.http.metrics import Metrics
from translator.gateway.http.receiving import BodyMemory, receive_body
from translator.gateway.http.responses import Headers, Response, refusal, success
from translator.gateway.http.unknown_keys import UnknownKeys
from translator.gateway.messages.calls import BATCHES, write_key_of
from translator.gateway.messages.segment_limits import Limits
from translator.gateway.messages.visitor_address import VisitorAddress
from translator.gateway.sources.pipeline import Pipeline
from translator.gateway.sources.sources import Sources, basic_user
from translator.gateway.translation.pool import ProcessEndedError, TranslationPool
from translator.gateway.translation.request_translation import (
    PIECE_MESSAGES,
    Call,
    translate_request,
)
from translator.gateway.translation.source_translation import TranslatedMessage

LARGE_BODY = 64 * 1024
LARGE_COMPRESSED = 4 * 1024
"""Bodies from this size on, in bytes, are translated a few at a time."""

LARGE_AT_ONCE = 2

TRANSLATED_HERE_BYTES = 4 * 1024
"""Smaller bodies are translated at once: to ask another process would take as long."""

SLICE_SECONDS = 0.005
"""How long a request is translated here before others have their turn."""


class TrackingApi:
    """`clock` gives seconds since 1970. `pool` translates larger bodies, if it is given."""

    def __init__(
        self,
        sources: Sources,
        metrics: Metrics,
        clock: Callable[[], float],
        limits: Limits,
        visitors: VisitorAddress,
        pool: TranslationPool | None,
    ) -> None:
        self._sources = sources
        self._metrics = metrics
        self._clock = clock
        self._limits = limits
        self._visitors = visitors
        self._pool = pool
        self._unknown = UnknownKeys(metrics)
        self._memory = BodyMemory()
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._order = ArrivalOrder()
        self._answers = Answers()

    async def call(self, name: str, scope: Any, headers: Headers, receive: Any) -> Response:
        """Answer a call; `name` is the last part of its path.

        Raises BadRequestError and DisconnectedError.
        """
        now = self._clock()
        limit = self._limits.body_bytes(batch=name in BATCHES)
        status = self._limits.too_large_status
        body = await receive_body(receive, scope["headers"], limit, status, self._memory)
        encoding = headers.get(b"content-encoding", b"").decode("latin-1")
        origin = headers.get(b"origin", b"").decode("latin-1")
        peer = scope["client"]
        visitor = self._visitors.of_request(peer[0] if peer else "", scope["headers"])
        call = Call(name, body, encoding, origin, visitor, now, self._limits)
        user = basic_user(headers.get(b"authorization", b"").decode("latin-1"))
        if len(body) < (LARGE_COMPRESSED if encoding else LARGE_BODY):
            return await self._accept(call, user, large=False)
        async with self._large:
            return await self._accept(call, user, large=True)

    async def _accept(self, call: Call, user: str | None, *, large: bool) -> Response:
        pipeline = self._sources.only or (self._sources.find(user) if user else None)
        if pipeline is None:
            body = call.parsed().value
            messages = call.messages(body)
            write_key = write_key_of(user, body)
            pipeline = self._sources.find(write_key)
            if pipeline is None:
                return self._unknown.refuse(write_key, len(messages))
        intake = pipeline.intake
        if not intake.room():
            return refusal(503, "too much is waiting; send it again")
        count = 0
        errors: list[Failure] = []
        with self._order.next() as turn:
            if large:
                turn.end()  # a large request and the others do not wait for each other
            async for piece in self._translated(pipeline, call, large=large):
                messages = intake.enter(piece)
                if not large:
                    await turn.come()
                answer = self._answers.submit(intake, messages)
                turn.end()
                taken = await answer
                count += len(piece)
                if not taken.stored:
                    return refusal(503, taken.problem, count)
                if taken.duplicates:
                    self._metrics.duplicates.inc(taken.duplicates)
                errors += [each.error for each in messages if each.error is not None]
        return _answer(call.name, count, errors)

    async def _translated(
        self, pipeline: Pipeline, call: Call, *, large: bool
    ) -> AsyncIterator[list[TranslatedMessage]]:
        """The messages of a request in pieces, translated by another process or here."""
        count = 0
        source = pipeline.translation
        if self._pool and len(call.body) >= TRANSLATED_HERE_BYTES:
            try:
                async for piece in self._pool.translate(pipeline.name, source, call, large=large):
                    count += len(piece)
                    yield piece
                return
            except ProcessEndedError:
                pass  # the rest is translated here
        piece = []
        until = time.perf_counter() + SLICE_SECONDS
        for place, message in enumerate(translate_request(call, source)):
            if place >= count:
                piece.append(message)
            if len(piece) == PIECE_MESSAGES:
                yield piece
                piece = []
            if time.perf_counter() > until:
                await asyncio.sleep(0)
                until = time.perf_counter() + SLICE_SECONDS
        if piece:
            yield piece


def _answer(name: str, messages: int, errors: list[Failure]) -> Response:
    """200, unless Segment would refuse the whole request for its messages.

    A batch with one message that is too large would be refused as a whole there, and the others
    would be lost with it; here only that one is.
    """
    if errors and len(errors) == messages:
        codes = {error.code for error in errors}
        if codes == {"message_too_large"}:
            return refusal(400, f"Exceed payload limit: {errors[0].message}", messages)
        if codes == {"no_user_anon_id"} and name not in BATCHES:
            return refusal(400, errors[0].message, messages)
    return success(messages)
