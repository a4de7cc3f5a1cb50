"""When an operation is sent: ordering, batching, retry and circuit breaker."""
