"""When to ask again, and how long to wait before."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class RetryPolicy:
    """Up to `attempts` tries of a request, `attempts` at least 1.

    Between two tries it waits as Mixpanel documents: 2 s doubling to 60 s, plus 1 to 5 s of jitter
    (docs/facts/mixpanel-http-api.md#rate-limits-errors-and-retries). A `Retry-After` is obeyed to
    the second instead; one longer than `patience` seconds ends the tries, since coming back earlier
    would be disobedience.

    With `gives_up` false a host that answers nobody is waited for without end; a request is given
    up only if others get through meanwhile.

    `sleep` takes seconds; `clock` gives them; `jitter` gives a number from 0 to 1, a place between
    the two ends of `spread`.
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

    def wait(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row, from 1."""
        doubled = self.shortest * 2.0 ** min(failures - 1, 30)
        least, most = self.spread
        return min(self.longest, doubled) + least + (most - least) * self.jitter()
