"""A call of Segment's Tracking API: from its request to the answer, once its messages are stored.

Everything runs in the event loop. A large request lets the others go on in between, so that none of
them waits long for it. Nothing here waits for the disk or for Mixpanel.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from translator.core.operations import Failure
from translator.gateway.http.metrics import Metrics
from translator.gateway.http.responses import Headers, Response, refusal, success
from translator.gateway.http.unknown_keys import UnknownKeys
from translator.gateway.intake.intake import Intake, Taken
from translator.gateway.messages.bodies import (
    BadRequestError,
    BodyMemory,
    Parsed,
    parse_body,
    receive_body,
)
from translator.gateway.messages.calls import BATCHES, messages_of, write_key_of
from translator.gateway.messages.json_text import json_line
from translator.gateway.messages.prepared import Prepared
from translator.gateway.messages.segment_limits import Limits
from translator.gateway.messages.visitor_address import VisitorAddress, comes_from_client
from translator.gateway.sources.sources import Sources, basic_user

LARGE_BODY = 64 * 1024
LARGE_COMPRESSED = 4 * 1024
"""Bodies from this size on, in bytes, are translated a few at a time."""

LARGE_AT_ONCE = 2

PIECE_MESSAGES = 500
"""A request with more messages is stored in pieces, so that those of others come in between. If a
later piece cannot be stored, the client sends all of it again, and the first ones are known."""

SLICE_SECONDS = 0.005
"""How long a request is translated before others have their turn."""


class TrackingApi:
    """`clock` gives seconds since 1970."""

    def __init__(
        self,
        sources: Sources,
        metrics: Metrics,
        clock: Callable[[], float],
        limits: Limits,
        visitors: VisitorAddress,
    ) -> None:
        self._sources = sources
        self._metrics = metrics
        self._clock = clock
        self._limits = limits
        self._visitors = visitors
        self._unknown = UnknownKeys(metrics)
        self._memory = BodyMemory()
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def call(self, name: str, scope: Any, headers: Headers, receive: Any) -> Response:
        """Answer a call; `name` is the last part of its path.

        Raises BadRequestError and DisconnectedError.
        """
        received_ms = int(self._clock() * 1000)
        limit = self._limits.body_bytes(batch=name in BATCHES)
        status = self._limits.too_large_status
        body = await receive_body(receive, scope["headers"], limit, status, self._memory)
        encoding = headers.get(b"content-encoding", b"").decode("latin-1")
        call = _Call(name, scope, headers, received_ms)
        if len(body) < (LARGE_COMPRESSED if encoding else LARGE_BODY):
            return await self._accept(call, parse_body(body, encoding, limit, status))
        async with self._large:
            return await self._accept(call, parse_body(body, encoding, limit, status))

    async def _accept(self, call: "_Call", body: Parsed) -> Response:
        messages = messages_of(call.name, body.value, call.received_ms, _new_id)
        write_key = write_key_of(basic_user(call.header(b"authorization")), body.value)
        pipeline = self._sources.find(write_key)
        if pipeline is None:
            return self._unknown.refuse(write_key, len(messages))
        intake = pipeline.intake
        if not intake.room():
            return refusal(503, "too much is waiting; send it again", len(messages))
        sizes = self._sizes(call.name, body)
        errors: list[Failure] = []
        for start in range(0, len(messages), PIECE_MESSAGES):
            piece = messages[start : start + PIECE_MESSAGES]
            prepared = await self._prepared(intake, call, piece, start, sizes, body.strict)
            taken = await _stored(intake, prepared)
            if not taken.stored:
                return refusal(503, taken.problem, len(messages))
            if taken.duplicates:
                self._metrics.duplicates.inc(taken.duplicates)
            errors += [each.result.error for each in prepared if each.result.error is not None]
        return _answer(call.name, len(messages), errors)

    async def _prepared(
        self,
        intake: Intake,
        call: "_Call",
        messages: list[Any],
        start: int,
        sizes: Iterator[int],
        strict: bool,
    ) -> list[Prepared]:
        """Messages, translated. `start` is the place of the first one in its request."""
        peer = call.scope["client"]
        visitor = self._visitors.of_request(peer[0] if peer else "", call.scope["headers"])
        origin = call.header(b"origin")
        prepared: list[Prepared] = []
        until = time.perf_counter() + SLICE_SECONDS
        try:
            for place, message in enumerate(messages, start):
                refused, address = None, None
                if isinstance(message, dict):
                    refused = self._refused(place, message, next(sizes, 0))
                    if comes_from_client(call.name, origin, message):
                        address = visitor
                prepared.append(intake.prepare(message, refused, address=address, strict=strict))
                if time.perf_counter() > until:
                    await asyncio.sleep(0)
                    until = time.perf_counter() + SLICE_SECONDS
        except RecursionError:
            raise BadRequestError(400, "a message is nested too deep to be kept") from None
        return prepared

    def _refused(self, place: int, message: dict[str, Any], size: int) -> Failure | None:
        if self._limits.is_beyond_batch(place):
            return self._limits.beyond_batch()
        return self._limits.problem(message, size)

    def _sizes(self, name: str, body: Parsed) -> Iterator[int]:
        """The sizes of the objects of a batch, if one of them may be too large; else nothing."""
        most = self._limits.message_bytes
        if name in BATCHES and most is not None and body.size > most:
            for message in body.value["batch"]:
                if isinstance(message, dict):
                    yield len(json_line(message, strict=body.strict))


class _Call:
    """What is known of a call besides its body."""

    __slots__ = ("_headers", "name", "received_ms", "scope")

    def __init__(self, name: str, scope: Any, headers: Headers, received_ms: int) -> None:
        self.name, self.scope, self.received_ms = name, scope, received_ms
        self._headers = headers

    def header(self, name: bytes) -> str:
        """A header; empty if it is absent."""
        return self._headers.get(name, b"").decode("latin-1")


async def _stored(intake: Intake, prepared: list[Prepared]) -> Taken:
    """Wait until messages are stored, or cannot be."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Taken] = loop.create_future()

    def resolve(taken: Taken) -> None:
        if not answer.done():
            answer.set_result(taken)

    intake.submit(prepared, lambda taken: loop.call_soon_threadsafe(resolve, taken))
    return await answer


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


def _new_id() -> str:
    return f"gateway-{uuid.uuid4()}"
