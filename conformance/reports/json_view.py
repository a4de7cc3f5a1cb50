"""A JSON value as lines for people, with the lines marked that differ."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from conformance.runner.compare import Difference, Kind, json_step, json_text

WIDTH = 72
"""A value that fits into a line of this number of characters stays in one line."""


class Line(NamedTuple):
    """A line of text, and whether it holds a difference."""

    text: str
    differs: bool


def lines(value: Any, path: str, differing: Sequence[str]) -> list[Line]:
    """The value at a path, over several lines where it is long or holds a difference."""
    return [Line(text, differs) for text, differs in _lines(value, path, tuple(differing), "", "")]


def sides(section: str, differences: Sequence[Difference]) -> tuple[list[str], list[str]]:
    """The differing paths in the expected and in the actual value of a section."""
    inside = [
        difference
        for difference in differences
        if difference.path == section or _inside(difference.path, section)
    ]
    return (
        [each.path for each in inside if each.kind is not Kind.UNEXPECTED],
        [each.path for each in inside if each.kind is not Kind.MISSING],
    )


def ordered_like(value: Any, other: Any) -> Any:
    """The value with its keys in the order of the other's, so that both line up side by side."""
    if isinstance(value, dict) and isinstance(other, dict):
        keys = [
            *(key for key in other if key in value),
            *(key for key in value if key not in other),
        ]
        return {key: ordered_like(value[key], other.get(key)) for key in keys}
    if isinstance(value, list) and isinstance(other, list):
        paired = [ordered_like(*pair) for pair in zip(value, other, strict=False)]
        return paired + value[len(paired) :]
    return value


def _lines(
    value: Any, path: str, differing: tuple[str, ...], indent: str, key: str
) -> Iterator[tuple[str, bool]]:
    head = indent + key
    # Values that differ completely are marked as a whole, not member by member.
    whole = path in differing
    within = tuple(each for each in differing if _inside(each, path))
    text = json_text(value)
    opened = isinstance(value, dict | list) and value and (within or len(head) + len(text) > WIDTH)
    if not opened:
        yield head + text, whole
        return
    brackets = "{}" if isinstance(value, dict) else "[]"
    items = (
        [(name, f"{json_text(name)}: ", each) for name, each in value.items()]
        if isinstance(value, dict)
        else [(index, "", each) for index, each in enumerate(value)]
    )
    yield head + brackets[0], whole
    for number, (step, name, each) in enumerate(items, 1):
        comma = "," if number < len(items) else ""
        inner = list(_lines(each, path + json_step(step), within, indent + "  ", name))
        for index, (line, differs) in enumerate(inner, 1):
            yield line + (comma if index == len(inner) else ""), differs or whole
    yield indent + brackets[1], whole


def _inside(path: str, outer: str) -> bool:
    return path.startswith((f"{outer}.", f"{outer}["))
