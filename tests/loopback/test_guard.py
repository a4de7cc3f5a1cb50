"""The guard: what it counts as another machine, and that it stops connections to it."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.loopback.guard import EXIT, OutsideError, host_of, is_outside
from tests.loopback.watched import Watched


@pytest.mark.parametrize(
    ("event", "arguments", "host"),
    [
        ("socket.connect", (None, ("10.0.0.1", 80)), "10.0.0.1"),
        ("socket.connect", (None, ("2001:db8::1", 80, 0, 0)), "2001:db8::1"),
        ("socket.connect", (None, "/run/socket"), ""),
        ("socket.connect", (None, (0, 0)), ""),
        ("socket.sendto", (None, ("10.0.0.1", 53)), "10.0.0.1"),
        ("socket.sendmsg", (None, None), ""),
        ("socket.getaddrinfo", ("example.com", 80, 0, 0, 0), "example.com"),
        ("socket.getaddrinfo", (b"example.com", 80, 0, 0, 0), "example.com"),
        ("socket.getaddrinfo", (None, 80, 0, 0, 0), ""),
        ("socket.gethostbyname", ("example.com",), "example.com"),
        ("socket.getnameinfo", (("10.0.0.1", 80),), "10.0.0.1"),
    ],
)
def test_host_of_an_event(event: str, arguments: Any, host: str) -> None:
    """The host of every event with a host is found; other kinds of sockets have none."""
    assert host == host_of(event, arguments)


@pytest.mark.parametrize(
    ("host", "outside"),
    [
        ("", False),
        ("localhost", False),
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("::1", False),
        ("0.0.0.0", False),
        ("10.0.0.1", True),
        ("169.254.169.254", True),
        ("2001:db8::1", True),
        ("api.mixpanel.com", True),
        ("localhost.example.com", True),
        ("127.0.0.1.example.com", True),
    ],
)
def test_what_is_outside(host: str, outside: bool) -> None:
    """Only addresses and names that always mean this machine are allowed."""
    assert outside == is_outside(host)


ATTEMPTS = {
    "connect": "socket.socket().connect(('192.0.2.1', 80))",
    "connect_ex": "socket.socket().connect_ex(('192.0.2.1', 80))",
    "sendto": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))",
    "resolve": "socket.getaddrinfo('outside.example.com', 80)",
    "by name": "socket.gethostbyname('outside.example.com')",
    "by library": "import requests; requests.get('http://outside.example.com')",
    "swallowed": (
        "import contextlib\nwith contextlib.suppress(BaseException):\n"
        "    socket.create_connection(('192.0.2.1', 80))"
    ),
    "in a thread": (
        "import threading\nthreading.Thread("
        "target=socket.gethostbyname, args=['outside.example.com']).start()\nimport time\n"
        "threading.Event().wait(30)"
    ),
    "in a child": (
        "import subprocess, sys\nsys.exit(subprocess.run([sys.executable, '-c', "
        "'import socket; socket.gethostbyname(\"outside.example.com\")']).returncode)"
    ),
}


@pytest.mark.parametrize("name", list(ATTEMPTS))
def test_every_way_out_is_closed(tmp_path: Path, name: str) -> None:
    """A process that tries to connect to another machine ends before it does."""
    watched = Watched(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", f"import socket\n{ATTEMPTS[name]}"], env=watched.env, timeout=60
    )
    assert done.returncode == EXIT
    assert len(watched.outside()) == 1


def test_inside_is_open(tmp_path: Path) -> None:
    """Connections to this machine are allowed, and seen."""
    watched = Watched(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
        done = subprocess.run([sys.executable, "-c", code], env=watched.env, timeout=60)
    assert (done.returncode, watched.outside()) == (0, [])
    assert ("socket.connect", "127.0.0.1") in watched.notes()


@pytest.mark.usefixtures("nobody_else")
def test_the_tests_are_watched_too(escapes: list[str]) -> None:
    """A test that connects elsewhere fails, even if it swallows the error."""
    with pytest.raises(OutsideError):
        socket.getaddrinfo("outside.example.com", 80)
    assert escapes == ["socket.getaddrinfo of outside.example.com"]
    escapes.clear()
