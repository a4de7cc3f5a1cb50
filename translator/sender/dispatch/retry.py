"""When a request is tried again, and how long the waits are."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class RetryPolicy:
    """Up to `attempts` attempts of a request; `attempts` is at least 1.

    Between two attempts it waits as Mixpanel documents: 2 s doubling to 60 s, plus 1 to 5 s of
    jitter (docs/facts/mixpanel-http-api.md#rate-limits-errors-and-retries). A `Retry-After`
    replaces that wait; one that is longer than `patience` seconds ends the attempts, since an
    earlier request would ignore it.

    With `gives_up` false the sender waits without end for a host that does not respond; a request
    is given up only if others succeed meanwhile. It waits at most `patience` seconds at a time: a
    `Retry-After` that is longer, such as an absurd one of a proxy, must not stop delivery.

    `sleep` takes seconds and `clock` gives them. `jitter` gives a number from 0 to 1: the place
    between the two ends of `spread`.
    """

    attempts: int = 5
    shortest: float = 2.0
    longest: float = 60.0
    spread: tuple[float, float] = (1.0, 5.0)
    patience: float = 600.0
    gives_up: bool = True
    sleep: Callable[[float], object] | None = None
    jitter: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic

    def asked_wait(self, retry_after: float | None) -> float | None:
        """The seconds of a `Retry-After` that are waited, or None without one."""
        if retry_after is None or self.gives_up:
            return retry_after
        return min(retry_after, self.patience)

    def wait(self, failures: int) -> float:
        """Seconds to wait after a number of failures in a row, at least 1."""
        doubled = self.shortest * 2.0 ** min(failures - 1, 30)
        least, most = self.spread
        return min(self.longest, doubled) + least + (most - least) * self.jitter()
