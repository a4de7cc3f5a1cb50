"""What a rule of the translator's tables is."""

from typing import NamedTuple


class Rule(NamedTuple):
    """One disagreement, both sides with their source."""

    name: str
    documented: str
    observed: str
    documented_source: str
    observed_source: str
