"""When to ask again, and how long to wait before."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, wait_exponential

from translator.sender.answers import Meaning, Outcome

_doubling = wait_exponential(multiplier=2, max=60)


@dataclass(frozen=True)
class RetryPolicy:
    """Up to `attempts` tries of a request, `attempts` at least 1.

    Between two tries it waits as Mixpanel documents: 2 s doubling to 60 s, plus 1 to 5 s of jitter
    (facts/mixpanel-http-api 8). A `Retry-After` is obeyed to the second instead; one longer than
    `patience` seconds ends the tries, since coming back earlier would be disobedience.

    `sleep` takes seconds; `jitter` gives a number from 0 to 1.
    """

    attempts: int = 5
    patience: float = 600.0
    sleep: Callable[[float], object] = time.sleep
    jitter: Callable[[], float] = random.random

    def run(self, attempt: Callable[[], Outcome]) -> Outcome:
        """The first final outcome of `attempt`, or its last one."""
        retrying = Retrying(
            stop=lambda state: stop_after_attempt(self.attempts)(state) or self._too_long(state),
            wait=self._wait,
            sleep=self._sleep,
            retry=retry_if_result(_is_unsettled),
            retry_error_callback=_last_outcome,
        )
        return retrying(attempt)

    def _sleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def _wait(self, state: RetryCallState) -> float:
        asked = _last_outcome(state).retry_after
        return _doubling(state) + 1 + 4 * self.jitter() if asked is None else asked

    def _too_long(self, state: RetryCallState) -> bool:
        return (_last_outcome(state).retry_after or 0) > self.patience


def _is_unsettled(outcome: Outcome) -> bool:
    return outcome.meaning is Meaning.RETRY


def _last_outcome(state: RetryCallState) -> Outcome:
    assert state.outcome is not None, "asked for an outcome before the first try"
    outcome: Outcome = state.outcome.result()
    return outcome
