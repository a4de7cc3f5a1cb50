"""How much the tests try that repeat something: with random input, kills, or every scenario.

A usual run tries less. With MOCKPANEL_TESTS=thorough, as in `nox -s thorough`, they try more.
"""

import os
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")

THOROUGH = os.environ.get("MOCKPANEL_TESTS") == "thorough"


def times(usual: int, thorough: int) -> int:
    """How often to repeat something."""
    return thorough if THOROUGH else usual


def share(items: Iterable[T], part: int, parts: int) -> list[T]:
    """Every `parts`-th item, from the one at `part`; a thorough run takes all.

    For tests that repeat with each scenario what other tests do with each of them.
    """
    chosen = list(items)
    return chosen if THOROUGH else chosen[part::parts]
