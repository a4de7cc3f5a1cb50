"""The dispatch: when an operation is sent. Ordering, batching, retry and circuit breaker."""
