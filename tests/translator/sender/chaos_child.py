"""A process that sends messages from a file, and kills itself at a chosen moment of its work.

    python -m tests.translator.sender.chaos_child FOLDER URL KILL_AT

Every moment at which something has just changed, on disk, on the wire or in memory, counts; at the
KILL_AT-th (0: never) the process is gone, by signal 9, in whatever thread it is. Waits are short.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from translator import Settings
from translator.bulk import translate_line
from translator.core.compiled_settings import compile_settings
from translator.core.rules import Rules
from translator.sender import AliasPolicy, BatchLimits, RetryPolicy, Sender
from translator.sender.books.dead_letters import (
    DeadLetters,
    of_line,
    of_read_line,
    read_line,
    unique,
)
from translator.sender.books.spool import Spool
from translator.sender.books.spool_database import Transaction
from translator.sender.commands.run import run_send
from translator.sender.http.transport import HttpTransport

HOLD = 0.3
QUICK = RetryPolicy(attempts=12, shortest=0.02, longest=0.1, spread=(0.0, 0.01))


class Moments:
    """Counts, and kills."""

    def __init__(self, kill_at: int) -> None:
        self.count = 0
        self._kill_at = kill_at
        self._lock = threading.Lock()

    def passes(self) -> None:
        with self._lock:
            self.count += 1
            if self.count == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, holder: Any, name: str) -> None:
        """Make the moments before and after a method count."""
        original: Callable[..., Any] = getattr(holder, name)

        def counted(*args: Any, **options: Any) -> Any:
            self.passes()
            try:
                return original(*args, **options)
            finally:
                self.passes()

        setattr(holder, name, counted)


def main() -> None:
    folder, url, kill_at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    resent = (folder / "again.jsonl").exists()
    moments = Moments(kill_at)
    moments.around(HttpTransport, "post")
    moments.around(Transaction, "__enter__")
    moments.around(Transaction, "__exit__")
    moments.around(DeadLetters, "append")
    settings = Settings.from_json(
        {
            "token": folder.name,
            "apiSecret": "secret",
            "people": True,
            "eventIncrements": ["Bought"],
            "groupIdentifierTraits": ["company"],
        }
    )
    compiled = compile_settings(settings, Rules.documented())
    given = (folder / ("again.jsonl" if resent else "messages.jsonl")).read_bytes().splitlines()
    dead = folder / ("dead2.jsonl" if resent else "dead.jsonl")

    def translate(line: bytes) -> Any:
        moments.passes()
        return translate_line(line, compiled, int(time.time() * 1000))

    host = "https://api.mixpanel.com"
    with (
        Sender(
            {host: url},
            "secret",
            retry=QUICK,
            limits=BatchLimits(records=20),
            alias=AliasPolicy.HOLD,
            hold=HOLD,
            workers=3,
        ) as sender,
        Spool(folder / "spool.db") as spool,
    ):
        run_send(
            unique(given) if resent else given,
            (lambda line: read_line(line, translate, time.time() * 1000)) if resent else translate,
            sender,
            host,
            out=sys.stdout,
            err=sys.stderr,
            spool=spool,
            dead_letters=DeadLetters(dead),
            content=of_read_line if resent else of_line,
        )
    print(moments.count, file=sys.stderr)


if __name__ == "__main__":
    main()
