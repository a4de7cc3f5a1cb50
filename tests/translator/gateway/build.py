"""A gateway for tests, and a client of it without a network."""

import asyncio
import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from translator import Rules, Settings
from translator.core.operations import Json
from translator.gateway import DeliveryOptions, Gateway, Pipeline, Sources
from translator.gateway.delivery.recent_messages import RecentMessages
from translator.gateway.intake.intake_result import IntakeResult
from translator.sender.books.spool_records import IncomingMessage
from translator.sender.queue.queued_operation import QueuedOperation
from translator.sender.redaction import Redactor

NOW = 1_781_524_800.0
TOKEN = "T"
NOWHERE = {"https://api.mixpanel.com": "http://127.0.0.1:9"}


class Response:
    """An HTTP response as the client got it."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status = status
        self.headers = {name.decode(): value.decode() for name, value in headers}
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Calls an ASGI application."""

    def __init__(self, application: Any, peer: str = "127.0.0.1") -> None:
        self._application = application
        self._peer = peer

    def post(self, path: str, body: Any = None, **options: Any) -> Response:
        """POST a JSON body; bytes are sent as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call("POST", path, [data], **options)

    def get(self, path: str, **options: Any) -> Response:
        return self.call("GET", path, [b""], **options)

    def call(
        self,
        method: str,
        path: str,
        pieces: list[bytes],
        *,
        headers: dict[str, str] | None = None,
        write_key: str | None = None,
    ) -> Response:
        """Send a request whose body comes in pieces."""
        sent = {"host": "localhost", **(headers or {})}
        if write_key is not None:
            credentials = base64.b64encode(f"{write_key}:".encode()).decode()
            sent["authorization"] = f"Basic {credentials}"
        where, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": where,
            "query_string": query.encode(),
            "scheme": "http",
            "client": (self._peer, 12345),
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        }
        waiting = list(pieces)
        events: list[Any] = []

        async def receive() -> Any:
            body = waiting.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(waiting)}

        async def send(event: Any) -> None:
            events.append(event)

        async def run() -> None:
            await self._application(scope, receive, send)

        asyncio.run(run())
        body = b"".join(event["body"] for event in events[1:])
        return Response(events[0]["status"], events[0]["headers"], body)


def taken(pipeline: Pipeline, room: int) -> Sequence[QueuedOperation]:
    """The operations that the sender of a source gets."""
    pipeline.delivery.release()
    return pipeline.delivery.take(room) or ()


class TestGateway:
    """A gateway whose sender is never started: what is taken in waits. Close it after use."""

    __test__ = False

    def __init__(
        self, folder: Path | None = None, settings: Json | None = None, **options: Any
    ) -> None:
        self.losses: list[Json] = []
        self.recent = RecentMessages(Redactor(["hidden"], [TOKEN]))
        self.delivery = DeliveryOptions(
            NOWHERE,
            Rules.documented(),
            spool=folder / "spool" if folder else None,
            recent=self.recent,
            report=self.losses.append,
            now=lambda: NOW,
            **options,
        )
        self.pipeline = self.open("", Settings.from_json(settings or {"token": TOKEN}))
        self.intake = self.pipeline.intake

    def open(self, name: str, settings: Settings) -> Pipeline:
        """Another source, whose messages are stored but not delivered."""
        pipeline = Pipeline(name, settings, self.delivery)
        self.start(pipeline)
        return pipeline

    def start(self, pipeline: Pipeline) -> None:
        """Begin to store, and not to deliver."""
        pipeline.intake.start()

    def client(
        self, *, sources: Sources | None = None, peer: str = "127.0.0.1", **options: Any
    ) -> Client:
        found = sources or Sources(self.pipeline)
        options.setdefault("recent", self.recent)
        return Client(Gateway(found, lambda: NOW, **options), peer)

    def waiting(self) -> list[Any]:
        """What waits, by payload."""
        return [queued.operation.payload for queued in self.take(1000)]

    def take(self, room: int) -> Sequence[QueuedOperation]:
        """The operations that the sender gets."""
        return taken(self.pipeline, room)

    def submit(self, messages: Sequence[Any], done: Callable[[IntakeResult], object]) -> None:
        """Store messages of one request, as the server does; `done` gets the outcome."""
        entered = [self.prepare(each) for each in messages]
        taken = self.intake.store_at_once(entered)
        if taken is None:
            self.intake.submit(entered, done)
        else:
            done(taken)

    def prepare(self, message: Any) -> IncomingMessage:
        """A message, ready to be stored."""
        [entered] = self.intake.enter([self.pipeline.translation.translate(message, NOW)])
        return entered

    def close(self) -> None:
        self.intake.close()
        self.pipeline.close()
