"""Ending a client's connection from inside a server that does not offer it.

Production servers keep their sockets to themselves, but they are this process's all the same: the
one whose other end is the client is found among its open files.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

OPEN_FILES = Path("/dev/fd")
SEND_SECONDS = 10


def end(client: tuple[str, int], port: int, last_words: bytes = b"") -> bool:
    """Send some bytes to a client as the last ones on its connection to our port, and close it.

    False if the connection is not found: the client has closed it, or the system does not tell.
    """
    for connection in _connections():
        with suppress(OSError), connection:
            if _ends(connection) == (port, client):
                with suppress(OSError):
                    connection.settimeout(SEND_SECONDS)
                    connection.sendall(last_words)
                connection.shutdown(socket.SHUT_RDWR)
                return True
    return False


def _ends(connection: socket.socket) -> tuple[int, tuple[str, int]] | None:
    """Our port and the client's address, if it is a connection by TCP."""
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    host, port = connection.getpeername()[:2]
    return connection.getsockname()[1], (host, port)


def _connections() -> Iterator[socket.socket]:
    """The open files of this process that are sockets, each as a duplicate of our own."""
    try:
        files = list(OPEN_FILES.iterdir())
    except OSError:
        return
    for file in files:
        with suppress(OSError, ValueError):
            yield socket.socket(fileno=os.dup(int(file.name)))
