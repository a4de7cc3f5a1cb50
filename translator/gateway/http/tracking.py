"""A call of Segment's Tracking API: from its request to the response, once its messages are stored.

Everything runs in the event loop, but for the translation of larger bodies, which other processes
may do. A large request is translated in pieces, so that other requests do not wait long for it.
Nothing here waits for the disk or for Mixpanel.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from translator.core.operations import Failure
from translator.gateway.http.answers import Answers
from translator.gateway.http.arrival_order import ArrivalOrder, Turn
from translator.gateway.http.metrics import Metrics
from translator.gateway.http.receiving import BodyMemory, receive_body
from translator.gateway.http.responses import Headers, Response, refusal, success
from translator.gateway.http.unknown_keys import UnknownKeys
from translator.gateway.intake.intake import Intake
from translator.gateway.intake.intake_result import TOO_MUCH, IntakeResult
from translator.gateway.messages.calls import BATCHES, write_keys_of
from translator.gateway.messages.segment_limits import Limits
from translator.gateway.messages.visitor_address import VisitorAddress
from translator.gateway.sources.pipeline import Pipeline
from translator.gateway.sources.sources import Sources, basic_user
from translator.gateway.translation.pool import ProcessEndedError, TranslationPool
from translator.gateway.translation.request_translation import (
    PIECE_MESSAGES,
    SMALL_BODY,
    Call,
    translate_request,
)
from translator.gateway.translation.source_translation import TranslatedMessage
from translator.sender.books.spool_records import IncomingMessage

LARGE_BODY = 64 * 1024
LARGE_COMPRESSED = 4 * 1024
"""Bodies from this size on, in bytes, are translated a few at a time."""

LARGE_AT_ONCE = 2

SLICE_SECONDS = 0.005
"""Seconds that a request is translated here before other requests continue."""


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
        parts = [(pipeline, call)] if pipeline else []
        if not parts:
            parts, refused = self._by_source(call, user)
            if not parts:
                return refused
        if not all(each.intake.room() for each, _ in parts):
            return refusal(503, TOO_MUCH)
        stored = _Stored(call.name)
        if call.is_small and self._order.is_idle:
            [(pipeline, call)] = parts  # it is one message
            messages = list(translate_request(call, pipeline.translation))
            await self._store(pipeline.intake, messages, stored)
            return stored.answer()
        with self._order.next() as turn:
            if large:
                turn.end()  # a large request and the others do not wait for each other
            for pipeline, part in parts:
                # The next request has its turn once the last source has its messages.
                ending = turn if part is parts[-1][1] else None
                async for piece in self._translated(pipeline, part, large=large):
                    if not large:
                        await turn.come()
                    if not await self._store(pipeline.intake, piece, stored, ending):
                        return stored.answer()
        return stored.answer()

    def _by_source(
        self, call: Call, user: str | None
    ) -> tuple[list[tuple[Pipeline, Call]], Response]:
        """The sources whose messages a request has, each with its part of the request.

        Messages whose write key no source has are counted and logged. The response is for a request
        without any other messages. Raises BadRequestError.
        """
        write_keys = write_keys_of(call.name, user, call.parsed().value)
        places: dict[str, list[int]] = {}
        for place, write_key in enumerate(write_keys):
            places.setdefault(write_key, []).append(place)
        by_source: dict[Pipeline, list[int]] = {}
        for write_key, found in places.items():
            pipeline = self._sources.find(write_key)
            if pipeline is None:
                self._unknown.count(write_key, len(found))
            else:
                by_source.setdefault(pipeline, []).extend(found)
        if sum(map(len, by_source.values())) == len(write_keys) and len(by_source) == 1:
            return [(pipeline, call) for pipeline in by_source], success()
        parts = [
            (pipeline, call._replace(places=frozenset(found)))
            for pipeline, found in by_source.items()
        ]
        return parts, self._unknown.response(write_keys)

    async def _store(
        self,
        intake: Intake,
        translated: Sequence[TranslatedMessage],
        stored: "_Stored",
        turn: Turn | None = None,
    ) -> bool:
        """Store messages, at the turn of their request, which ends; whether they are stored."""
        messages = intake.enter(translated)
        outcome = intake.store_at_once(messages) or self._answers.submit(intake, messages)
        if turn:
            turn.end()
        taken = outcome if isinstance(outcome, IntakeResult) else await outcome
        if taken.duplicates:
            self._metrics.duplicates.inc(taken.duplicates)
        stored.add(messages, taken)
        return taken.stored

    async def _translated(
        self, pipeline: Pipeline, call: Call, *, large: bool
    ) -> AsyncIterator[list[TranslatedMessage]]:
        """The messages of a request in pieces, translated by another process or here."""
        count = 0
        source = pipeline.translation
        if self._pool and len(call.body) >= SMALL_BODY:
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


class _Stored:
    """The stored messages of a request so far; `name` is the last part of its path."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._messages = 0
        self._errors: list[Failure] = []
        self._problem: str | None = None

    def add(self, messages: Sequence[IncomingMessage], taken: IntakeResult) -> None:
        """Add the result of storing some messages."""
        self._messages += len(messages)
        self._errors += [each.error for each in messages if each.error is not None]
        if not taken.stored:
            self._problem = taken.problem

    def answer(self) -> Response:
        """200, unless Segment would refuse the whole request for its messages.

        A batch with one message that is too large would be refused as a whole there, and the others
        would be lost with it; here only that one is.
        """
        if self._problem is not None:
            return refusal(503, self._problem, self._messages)
        errors = self._errors
        if errors and len(errors) == self._messages:
            codes = {error.code for error in errors}
            if codes == {"message_too_large"}:
                text = f"Exceed payload limit: {errors[0].message}"
                return refusal(400, text, self._messages)
            if codes == {"no_user_anon_id"} and self._name not in BATCHES:
                return refusal(400, errors[0].message, self._messages)
        return success(self._messages)
