"""Globs over JSON paths: `*` and `?` only, because a path is full of brackets."""

import re
from functools import cache


def glob_matches(glob: str, text: str) -> bool:
    """Whether the whole text matches the glob."""
    return compiled(glob).fullmatch(text) is not None


@cache
def compiled(glob: str) -> re.Pattern[str]:
    """The glob as a regular expression."""
    parts = ({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in re.split(r"([*?])", glob))
    return re.compile("".join(parts), re.DOTALL)
