"""The reasons why a record has no effect, or a partial effect, because of earlier records."""

from typing import NamedTuple


class RefusedError(ValueError):
    """A record does not fit what is stored already. The message is the reason."""


class Finding(NamedTuple):
    """A reason against a record that only the records before it give.

    `refused`: the record has no effect. Otherwise it is stored, and the reason names the part that
    has no effect.
    """

    reason: str
    refused: bool
