"""Listening sockets, and the base URLs that clients use for them."""

import socket
import sys

BACKLOG = 1024
"""Maximum number of connections that wait to be accepted."""

BALANCES = sys.platform == "linux"
"""Whether the system distributes connections over several sockets of one port. When processes
share one socket instead, the first process to wake up often takes all connections."""


def listen(host: str, port: int, count: int = 1) -> list[socket.socket]:
    """Open `count` sockets on one port: one for each process that accepts connections.

    Port 0 is a free one. Where the system cannot distribute connections, all are the same socket.
    Raises OSError if the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The first socket does not share its port: another program might be willing to share.
    exclusive = socket.create_server((host, port), family=family, backlog=BACKLOG)
    if count == 1 or not BALANCES:
        return [exclusive] * count
    with exclusive:
        address = exclusive.getsockname()[:2]
    return [
        socket.create_server(address, family=family, backlog=BACKLOG, reuse_port=True)
        for _ in range(count)
    ]


def port_of(listening: socket.socket) -> int:
    """The port of a listening socket."""
    port: int = listening.getsockname()[1]
    return port


def base_url(host: str, port: int, *, tls: bool) -> str:
    """The base URL of a port, without a trailing slash."""
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{shown}:{port}"
