"""uvicorn, as every form of the mock runs it: in a thread or as a worker process.

uvicorn looks for a stop request ten times a second and then waits for connections in steps of the
same length. `HttpServer` is woken up instead, so that a test session does not wait for it.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn

from mock_mixpanel.serving.asgi import Application
from mock_mixpanel.serving.connections.fast_protocol import FastHttpProtocol
from mock_mixpanel.serving.sockets import BACKLOG
from mock_mixpanel.serving.tls import Certificate

KEEP_ALIVE_SECONDS = 120
"""Seconds that a connection may stay idle."""

TICK_SECONDS = 1
"""Seconds between two updates of the Date header."""


def _ignore() -> None:
    """Default of `on_ready`."""


class HttpServer(uvicorn.Server):
    """Serves an application until it is stopped.

    `grace` is how many seconds requests have to finish after a stop request. `on_ready` is called
    once connections are accepted.
    """

    def __init__(
        self,
        application: Application,
        certificate: Certificate | None,
        *,
        grace: float = 0,
        on_ready: Callable[[], object] = _ignore,
    ) -> None:
        # uvicorn's loggers belong to the whole process, which may be a test session with a uvicorn
        # of its own: this configuration leaves their levels and handlers alone.
        super().__init__(
            uvicorn.Config(
                application,
                http=FastHttpProtocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level=None,
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                ssl_certfile=certificate.chain if certificate else None,
                ssl_keyfile=certificate.key if certificate else None,
            )
        )
        self._application, self._grace, self._on_ready = application, grace, on_ready
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_requested = asyncio.Event()

    def stop(self) -> None:
        """Request a stop; safe to call from any thread and from a signal handler."""
        self.should_exit = True
        if self._loop:
            with suppress(RuntimeError):  # The loop has ended already.
                self._loop.call_soon_threadsafe(self._stop_requested.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop after a signal."""
        super().handle_exit(sig, frame)
        self.stop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._on_ready()

    async def main_loop(self) -> None:
        """Renew the Date header until a stop is requested."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._stop_requested.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the ports, let requests finish within the grace period, close all connections."""
        for server in self.servers:
            server.close()
        for listening in sockets or ():
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self._grace and self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=self._grace)
        for task in self.server_state.tasks:
            task.cancel()
        self._application.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        # The loop closes a socket one turn after its connection was closed.
        for _ in range(3):
            await asyncio.sleep(0)
