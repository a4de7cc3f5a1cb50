"""Runs a program that reads from Mixpanel, with only its hosts changed: they are the mock.

`python redirected.py PORT CA_FILE PROGRAM ARGUMENT...` runs an installed console script in this
interpreter, as it would run with an entry for each of Mixpanel's hosts in /etc/hosts and the
certificate authority among those that Python trusts. Waits are shortened: readers sleep a minute
after each request, to keep within Mixpanel's limit for an hour. It imports nothing of this project,
because it runs in the environment of the reader.
"""

import importlib
import runpy
import shutil
import socket
import sys
import time
from typing import Any

import certifi

LONGEST_WAIT = 0.01
"""Seconds."""


def main(port: int, ca_file: str, program: str, arguments: list[str]) -> None:
    """Run the program."""
    path = shutil.which(program, path=sys.exec_prefix + "/bin")
    if path is None:
        raise SystemExit(f"{program} is not installed in {sys.exec_prefix}")
    _redirect(port)
    certifi.where = lambda: ca_file
    _hurry()
    sys.argv = [program, *arguments]
    runpy.run_path(path, run_name="__main__")


def _redirect(port: int) -> None:
    resolve = socket.getaddrinfo

    def resolved(host: Any, asked: Any, *more: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host or ""
        if name == "mixpanel.com" or name.endswith(".mixpanel.com"):
            return resolve("127.0.0.1", port, *more, **named)
        return resolve(host, asked, *more, **named)

    socket.getaddrinfo = resolved  # type: ignore[assignment]


def _hurry() -> None:
    """Sleep less, and let Airbyte's budget of one request a minute be used up at once."""
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(float(seconds), LONGEST_WAIT))
    try:
        rates = importlib.import_module("airbyte_cdk.sources.streams.call_rate")
    except ImportError:
        return
    rates.MovingWindowCallRatePolicy.try_acquire = lambda *_, **__: None


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
