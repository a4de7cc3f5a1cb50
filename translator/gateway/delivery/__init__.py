"""The queue of operations that wait for delivery, and the observation of messages."""
