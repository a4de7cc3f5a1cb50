"""Lets a process connect to its own machine only.

Python raises an audit event before a socket is connected, a datagram sent or a name resolved. This
hook cannot be removed, and it sees the events of every library.
"""

import ipaddress
import json
import os
import sys
from collections.abc import Callable
from typing import Any

NAMES = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
"""Events whose first argument is a host."""

ADDRESSES = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.getnameinfo": 0}
"""Events and which argument is an address: host and port, unless it is no internet socket."""

WATCHED = NAMES | set(ADDRESSES)

EXIT = 97
"""The exit status of a process that tried to connect to another machine."""


class OutsideError(RuntimeError):
    """An attempt to connect to another machine."""


def host_of(event: str, arguments: tuple[Any, ...]) -> str:
    """The host of a watched event; empty if the event has no host."""
    host = arguments[0] if event in NAMES else arguments[ADDRESSES[event]]
    if event not in NAMES:
        host = host[0] if isinstance(host, tuple) and host else None
    if isinstance(host, bytes | bytearray):
        host = host.decode()
    return host if isinstance(host, str) else ""


def is_outside(host: str) -> bool:
    """Whether a host is, or may be, another machine."""
    if host.lower() in ("", "localhost"):
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return True
    return not (address.is_loopback or address.is_unspecified)


def watch(seen: Callable[[str, str], None]) -> None:
    """Call `seen` with each watched event and its host before the event happens."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in WATCHED:
            seen(event, host_of(event, arguments))

    sys.addaudithook(hook)


def watch_process(path: str) -> None:
    """Write each watched event to a file, and end the process before it connects elsewhere."""
    notes = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def seen(event: str, host: str) -> None:
        os.write(notes, json.dumps([event, host]).encode() + b"\n")
        if is_outside(host):
            os._exit(EXIT)

    os.write(notes, json.dumps(["start", ""]).encode() + b"\n")
    watch(seen)
