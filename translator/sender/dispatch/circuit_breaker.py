"""Circuit breaker: whether requests to a host are sent, and when it is probed."""

from enum import StrEnum

from translator.sender.dispatch.retry import RetryPolicy

TRIP = 3
"""Failures in a row after which only one request at a time probes the host."""


class CircuitState(StrEnum):
    """Circuit-breaker state of one host."""

    CLOSED = "closed"
    """Requests are sent."""
    OPEN = "open"
    """No request is sent before a wait is over."""
    HALF_OPEN = "half_open"
    """One request probes the host."""
    GIVEN_UP = "given_up"
    """The remaining requests get one attempt each."""


class CircuitBreaker:
    """The circuit breaker of one host. Times are seconds on the caller's clock.

    Failures count in rounds: a request that was sent before the last failure was known adds none.
    When a host has failed as often as a request may be tried, the host is given up: the remaining
    requests get one attempt each, without a wait. When three of those fail in a row too, nothing is
    sent for a minute.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._probing = False
        self._rounds = 0
        self._open_until = 0.0
        self.successes = 0
        """The number of final responses."""
        self.reason = ""
        """The reason why the last request failed."""

    def wait(self, now: float) -> float | None:
        """Seconds until a request may be sent; None: not before the probe has its response."""
        if self._rounds >= TRIP and self._probing:
            return None
        return self.pause(now)

    def pause(self, now: float) -> float:
        """Seconds until the next request, because the host failed or asked to wait; 0 if none."""
        return max(0.0, self._open_until - now)

    @property
    def state(self) -> CircuitState:
        """The state of the circuit."""
        if self.given_up:
            return CircuitState.GIVEN_UP
        if self._rounds < TRIP:
            return CircuitState.CLOSED
        return CircuitState.HALF_OPEN if self._probing else CircuitState.OPEN

    @property
    def given_up(self) -> bool:
        """Whether a request that fails now is not sent again."""
        return self._policy.gives_up and self._rounds >= self._policy.attempts

    def fails_fast(self, now: float) -> bool:
        """Whether requests fail without an attempt: the host is down or asks for a long wait."""
        if not self._policy.gives_up:
            return False
        left = self._open_until - now
        return left > self._policy.patience or (left > 0 and self._beyond_last_attempts())

    def request_sent(self) -> int:
        """Record that a request is sent; returns its round."""
        self._probing = self._rounds >= TRIP
        return self._rounds

    def request_withdrawn(self) -> None:
        """Record that the request was not sent; the state of the host is unchanged."""
        self._probing = False

    def response_received(self) -> None:
        """Record a final response."""
        self._probing = False
        self.successes += 1
        self._rounds = 0
        self._open_until = 0.0

    def request_failed(
        self, sent_in: int, now: float, asked_to_wait: float | None, reason: str
    ) -> None:
        """Record the failure of a request of round `sent_in`."""
        self._probing = False
        self.reason = reason
        if sent_in == self._rounds:
            self._rounds += 1
            if self._beyond_last_attempts():
                self._open_until = now + self._policy.longest
            elif self._rounds >= TRIP and not self.given_up:
                self._open_until = now + self._policy.wait(self._rounds)
        if asked_to_wait is not None:
            self._open_until = now + asked_to_wait

    def _beyond_last_attempts(self) -> bool:
        return self._policy.gives_up and self._rounds >= self._policy.attempts + TRIP
