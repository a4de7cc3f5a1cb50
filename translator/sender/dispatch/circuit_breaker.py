"""How a host is doing, and when it may be asked again."""

from enum import StrEnum

from translator.sender.dispatch.retry import RetryPolicy

TRIP = 3
"""After so many failures in a row only one request at a time asks whether a host is back."""


class CircuitState(StrEnum):
    """A host in the eyes of those who send."""

    CLOSED = "closed"
    """Requests go."""
    OPEN = "open"
    """None goes before a wait is over."""
    HALF_OPEN = "half_open"
    """One asks whether it is back."""
    GIVEN_UP = "given_up"
    """What is left gets one try each."""


class CircuitBreaker:
    """What is known of one host. Times are seconds on the caller's clock.

    Failures count in rounds: what was sent before the last failure was known says nothing new.
    A host that failed as often as a request is tried is given up: what is left for it gets one try
    each, without a wait. When even three of those fail in a row it is hopeless, for a minute.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._probing = False
        self._rounds = 0
        self._open_until = 0.0
        self.successes = 0
        """How many final answers came."""
        self.reason = ""
        """Why the last request had none."""

    def wait(self, now: float) -> float | None:
        """Seconds until the host may be asked; None: not before the request under way is back."""
        if self._rounds >= TRIP and self._probing:
            return None
        return max(0.0, self._open_until - now)

    @property
    def state(self) -> CircuitState:
        """How the host is doing."""
        if self.given_up:
            return CircuitState.GIVEN_UP
        if self._rounds < TRIP:
            return CircuitState.CLOSED
        return CircuitState.HALF_OPEN if self._probing else CircuitState.OPEN

    @property
    def given_up(self) -> bool:
        """Whether a request that fails now is not tried again."""
        return self._policy.gives_up and self._rounds >= self._policy.attempts

    def hopeless(self, now: float) -> bool:
        """Whether it is no use even to try; also if the host asks to wait too long."""
        if not self._policy.gives_up:
            return False
        left = self._open_until - now
        return left > self._policy.patience or (left > 0 and self._beyond_last_tries())

    def asked(self) -> int:
        """A request goes out; gives its round."""
        self._probing = self._rounds >= TRIP
        return self._rounds

    def not_asked(self) -> None:
        """The request did not go out after all; that says nothing of the host."""
        self._probing = False

    def answered(self) -> None:
        """A final answer came."""
        self._probing = False
        self.successes += 1
        self._rounds = 0
        self._open_until = 0.0

    def failed(self, sent_in: int, now: float, asked_to_wait: float | None, reason: str) -> None:
        """No final answer came to a request of round `sent_in`."""
        self._probing = False
        self.reason = reason
        if sent_in == self._rounds:
            self._rounds += 1
            if self._beyond_last_tries():
                self._open_until = now + self._policy.longest
            elif self._rounds >= TRIP and not self.given_up:
                self._open_until = now + self._policy.wait(self._rounds)
        if asked_to_wait is not None:
            self._open_until = now + asked_to_wait

    def _beyond_last_tries(self) -> bool:
        return self._policy.gives_up and self._rounds >= self._policy.attempts + TRIP
