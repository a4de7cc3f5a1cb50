"""A server of the standard library or of werkzeug, in a thread of the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import TCPServer
from threading import Thread

POLL_SECONDS = 0.01
"""Seconds after which `shutdown` is noticed; the default of half a second would slow down tests."""


@contextmanager
def in_thread(server: TCPServer) -> Iterator[str]:
    """Serve until the block ends, then close the server; gives its base URL on 127.0.0.1."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": POLL_SECONDS})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
