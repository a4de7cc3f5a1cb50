"""The HTTP server: uvicorn on one socket, until a signal comes."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import uvicorn

from translator.gateway.http.connections import Connections, connection_class, raise_file_limit
from translator.gateway.http.tls import Certificate

BACKLOG = 2048
"""Maximum number of connections that wait to be accepted."""

CLOSE_SECONDS = 5
"""Seconds that requests in work may take after a signal."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: `serve` handles the signals."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.create_server((host, port), family=family, backlog=BACKLOG)
    found.setblocking(False)
    return found


def address_of(listening: socket.socket, host: str, certificate: Certificate | None) -> str:
    """The base URL of a listening socket."""
    shown = f"[{host}]" if ":" in host else host
    scheme = "https" if certificate else "http"
    return f"{scheme}://{shown}:{listening.getsockname()[1]}"


def serve(
    application: Callable[[], Any],
    listening: socket.socket,
    certificate: Certificate | None,
    *,
    on_ready: Callable[[], object],
    background: Callable[[], Awaitable[None]],
    on_hangup: Callable[[], object],
) -> None:
    """Serve until SIGTERM or SIGINT; then requests that are being answered are finished.

    `application` makes the ASGI application, in the event loop. `on_ready` is called once signals
    are handled, `background` runs meanwhile, and `on_hangup` is called for each SIGHUP.
    """
    connections = Connections(raise_file_limit())

    async def run() -> None:
        config = uvicorn.Config(
            application(),
            http=connection_class(connections),
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=CLOSE_SECONDS,
            ssl_certfile=certificate.chain if certificate else None,
            ssl_keyfile=certificate.key if certificate else None,
        )
        server = _Server(config)

        def stop() -> None:
            server.force_exit = server.should_exit
            server.should_exit = True

        loop = asyncio.get_running_loop()
        for name, heard in (("SIGTERM", stop), ("SIGINT", stop), ("SIGHUP", on_hangup)):
            if hasattr(signal, name):  # Windows has no SIGHUP
                _on_signal(loop, getattr(signal, name), heard)
        on_ready()
        beside = (background(), connections.keep_sweeping())
        tasks = [asyncio.ensure_future(each) for each in beside]
        try:
            await server.serve(sockets=[listening])
        finally:
            for task in tasks:
                task.cancel()

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(run())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _on_signal(
    loop: asyncio.AbstractEventLoop, number: signal.Signals, heard: Callable[[], object]
) -> None:
    try:
        loop.add_signal_handler(number, heard)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(heard))
