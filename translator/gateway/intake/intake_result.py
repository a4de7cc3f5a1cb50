"""The outcome of storing the messages of a request."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

TOO_MUCH = "too much is waiting; send it again"
NOT_STORED = "the messages cannot be stored now; send them again"
"""The reason, for the client, why a request is not stored."""


class IntakeResult(NamedTuple):
    """The outcome of storing a request. If it is not `stored`, nothing of it was taken in.

    `messages` and `duplicates` are how many were new and how many were known. `problem` says why
    nothing was taken in, for the client.
    """

    stored: bool
    messages: int = 0
    duplicates: int = 0
    problem: str = ""

    @classmethod
    def of(cls, added: Sequence[bool]) -> Self:
        """The outcome of a request that is stored; `added` says of each message if it is new."""
        count = sum(added)
        return cls(True, count, len(added) - count)


Done = Callable[[IntakeResult], object]
"""Called with the outcome when a request is stored or refused."""
