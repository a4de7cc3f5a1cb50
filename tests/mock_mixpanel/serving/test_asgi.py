"""The application as uvicorn calls it, without a connection."""

import asyncio
from typing import Any

import pytest

from mock_mixpanel.backend import Backend
from mock_mixpanel.serving.asgi import Application

SCOPE: dict[str, Any] = {
    "method": "GET",
    "query_string": b"",
    "headers": [],
    "server": ("127.0.0.1", 1),
    "client": ("127.0.0.1", 2),
    "scheme": "http",
    "http_version": "1.1",
}
"""Of a request without a body."""


async def receive() -> dict[str, Any]:
    """The end of the body."""
    return {"type": "http.request", "body": b"", "more_body": False}


def test_client_that_is_gone() -> None:
    """A long response ends when its client has closed the connection."""
    made: list[bytes] = []
    sent: list[dict[str, Any]] = []
    gone = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive_then_disconnect() -> dict[str, Any]:
        if not sent:
            return await receive()
        await gone.wait()
        return {"type": "http.disconnect"}

    def kept(chunk: bytes) -> bytes:
        made.append(chunk)
        if len(made) > 2:
            loop.call_soon_threadsafe(gone.set)
        return chunk

    application = Application(Backend(), {})
    chunks = (b"%d" % number for number in range(1000))
    application._flask().add_url_rule("/long", view_func=lambda: map(kept, chunks))
    scope = SCOPE | {"path": "/long", "raw_path": b"/long"}
    loop = asyncio.new_event_loop()
    loop.run_until_complete(application(scope, receive_then_disconnect, send))
    loop.close()
    assert 3 <= len(made) < 100
    assert sent[-1]["more_body"] is True


def test_errors_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An error of the mock's own is not only a 500: the traceback is on the error stream."""
    backend = Backend()
    backend.clock.now = lambda: 1 // 0  # type: ignore[method-assign]
    scope = SCOPE | {"method": "POST", "path": "/track"}
    with pytest.raises(ZeroDivisionError):
        asyncio.run(Application(backend, {})(scope, receive, None))
    assert "Exception on /track [POST]" in caplog.text
    assert "ZeroDivisionError" in caplog.text
