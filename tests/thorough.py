"""How much the tests try that repeat something with random input, or kill processes.

A usual run tries less. With MOCKPANEL_TESTS=thorough, as in `nox -s thorough`, they try more.
"""

import os

THOROUGH = os.environ.get("MOCKPANEL_TESTS") == "thorough"


def times(usual: int, thorough: int) -> int:
    """How often to repeat something."""
    return thorough if THOROUGH else usual
