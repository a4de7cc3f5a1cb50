"""A table of reasons: the meaning of each, the advice, and the fact or choice behind it."""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import yaml


class Explanation(NamedTuple):
    """One row of the table.

    `source` is a heading of a page of the documentation, such as `docs/facts/PAGE.md#heading`.
    """

    pattern: str
    means: str
    do: str
    source: str


@cache
def explanations() -> tuple[Explanation, ...]:
    """All rows, in the order in which they are tried."""
    text = (files("mock_mixpanel.inspector") / "reasons.yaml").read_text(encoding="utf-8")
    return tuple(Explanation(**row) for row in yaml.safe_load(text))


def explain(reason: str) -> Explanation | None:
    """The first row that fits a reason, or None."""
    return next((row for row in explanations() if reason.startswith(row.pattern)), None)
