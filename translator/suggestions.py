"""Suggestions for an unknown name, as the end of an error message."""

import difflib
from collections.abc import Iterable

LIKENESS = 0.6
"""The least likeness of a suggested name, from 0 to 1 (`difflib.get_close_matches`)."""


def suggestion(name: object, known: Iterable[str], likeness: float = LIKENESS) -> str:
    """`; did you mean 'x'?` for the nearest known name, else `; known: ` and all known names."""
    names = list(known)
    near = difflib.get_close_matches(str(name), names, 1, likeness)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(names) or 'none'}"
