"""The record type of a rule."""

from typing import NamedTuple


class Rule(NamedTuple):
    """A point on which doc and observed behaviour disagree: both, each with its source."""

    name: str
    documented: str
    observed: str
    documented_source: str
    observed_source: str
