"""Exact comparison of the expected with the actual result, as a list of differences."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any, Self

import orjson

from conformance.spec.scenarios.placeholders import Placeholders

_PLAIN_KEY = re.compile(r"[$A-Za-z_][$\w]*", re.ASCII)


class Kind(StrEnum):
    """The kind of a difference between two values."""

    CHANGED = "changed"
    MISSING = "missing"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True)
class Difference:
    """One place where the actual result differs from the expected one.

    `path` is a JSON path such as `requests[0].record.properties.time`. `expected` means nothing if
    the value was unexpected, `actual` nothing if it is missing. `note` helps a person to see why.
    `reason` is why Mixpanel does not hold the data, if the mock said so. `stated` says whether the
    documentation of the destination states what differs.
    """

    path: str
    kind: Kind
    expected: Any = None
    actual: Any = None
    note: str = ""
    reason: str = ""
    stated: bool = True

    def __str__(self) -> str:
        lines = [self.path if self.kind is Kind.CHANGED else f"{self.path}: {self.kind}"]
        if self.kind is not Kind.UNEXPECTED:
            lines.append(f"    expected  {json_text(self.expected)}")
        if self.kind is not Kind.MISSING:
            lines.append(f"    actual    {json_text(self.actual)}")
        if self.reason:
            lines.append(f"    because   {self.reason}")
        return "\n".join(lines + [f"    {line}" for line in self.note.splitlines()])

    def as_json(self) -> dict[str, Any]:
        """The difference as a JSON object; values that mean nothing are left out."""
        fields: dict[str, Any] = {"path": self.path, "kind": self.kind.value}
        if self.kind is not Kind.UNEXPECTED:
            fields["expected"] = self.expected
        if self.kind is not Kind.MISSING:
            fields["actual"] = self.actual
        for name, text in (("note", self.note), ("reason", self.reason)):
            if text:
                fields[name] = text
        return fields if self.stated else {**fields, "stated": False}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """The difference in a JSON object; raises KeyError or ValueError if it is malformed."""
        return cls(
            fields["path"],
            Kind(fields["kind"]),
            fields.get("expected"),
            fields.get("actual"),
            fields.get("note", ""),
            fields.get("reason", ""),
            fields.get("stated", True),
        )


def compare(
    path: str, expected: Any, actual: Any, placeholders: Placeholders | None = None
) -> list[Difference]:
    """Every difference between two JSON values, in order of path.

    Nothing is ignored: order counts, `1` is not `true` nor `"1"`; only `1` and `1.0` are equal.
    """
    filled = (placeholders or Placeholders()).fill(expected, actual)
    if equal(filled, actual):  # nearly always, and a hundred times faster than a tree
        return []
    from deepdiff import DeepDiff  # takes a quarter of a second to import

    diff = DeepDiff(
        filled,
        actual,
        view="tree",
        zip_ordered_iterables=True,
        ignore_private_variables=False,
        threshold_to_diff_deeper=0,
    )
    found = [
        (level.path(output_format="list"), _kind(report), level.t1, level.t2)
        for report, levels in diff.items()
        for level in levels
        if not _same_number(level.t1, level.t2)
    ]
    found.sort(key=lambda item: [(isinstance(part, str), part) for part in item[0]])
    return [
        Difference(path + _json_path(parts), kind, *_sides(kind, one, two))
        for parts, kind, one, two in found
    ]


def equal(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: `1` is `1.0`, but not `true`."""
    kind = type(one)
    if kind is not type(other):
        return _same_number(one, other)
    if kind is dict:
        return one.keys() == other.keys() and all(
            equal(value, other[key]) for key, value in one.items()
        )
    if kind is list:
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def compare_sequence(
    path: str,
    expected: Sequence[Any],
    actual: Sequence[Any],
    placeholders: Placeholders | None = None,
) -> list[Difference]:
    """Every difference between two lists whose items are records.

    With as many items as expected they are compared one by one, and one that was expected in
    another place is named as such. Otherwise equal items are paired, and every other item is
    reported in full, with the nearest expected item.
    """
    placeholders = placeholders or Placeholders()
    if len(expected) == len(actual):
        found: list[Difference] = []
        for index, pair in enumerate(zip(expected, actual, strict=True)):
            inside = compare(f"{path}[{index}]", *pair, placeholders)
            place = _first_match(pair[1], expected) if inside else None
            if place is not None:
                note = f"the whole of {path}[{index}] is what was expected as {path}[{place}]"
                inside[0] = replace(inside[0], note=note)
            found += inside
        return found
    pairs = _pairs(expected, actual)
    differences = [
        difference
        for one, two in pairs
        for difference in compare(f"{path}[{two}]", expected[one], actual[two], placeholders)
    ]
    missing = [index for index in range(len(expected)) if index not in {one for one, _ in pairs}]
    for index in range(len(actual)):
        if index not in {two for _, two in pairs}:
            note = _near_miss(actual[index], expected, missing or range(len(expected)))
            differences.append(
                Difference(f"{path}[{index}]", Kind.UNEXPECTED, actual=actual[index], note=note)
            )
    differences += [
        Difference(f"{path}[{index}]", Kind.MISSING, expected[index]) for index in missing
    ]
    return differences


def json_text(value: Any) -> str:
    """A value as JSON text for people, in full; a value that JSON cannot represent in Python's
    notation."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        return repr(value)


def _pairs(expected: Sequence[Any], actual: Sequence[Any]) -> list[tuple[int, int]]:
    """The indexes of equal items, as many as can be paired without changing their order."""
    names = [_first_match(item, expected) for item in expected]
    found = [_first_match(item, expected) for item in actual]
    matcher = SequenceMatcher(None, names, found, autojunk=False)
    return [
        (one + offset, two + offset)
        for one, two, size in matcher.get_matching_blocks()
        for offset in range(size)
        if found[two + offset] is not None
    ]


def _first_match(item: Any, expected: Sequence[Any]) -> int | None:
    for index, candidate in enumerate(expected):
        if equal(Placeholders().fill(candidate, item), item):
            return index
    return None


def _near_miss(actual: Any, expected: Sequence[Any], candidates: Sequence[int]) -> str:
    """The differences to the nearest expected item; empty without such an item."""
    compared = [(compare("", expected[index], actual), index) for index in candidates]
    if not compared:
        return ""
    differences, index = min(compared, key=lambda item: len(item[0]))
    if not differences:
        return f"the same as the expected item {index}, once too often"
    lines = "\n".join(str(difference).removeprefix(".") for difference in differences)
    return f"nearest is the expected item {index}, which differs in\n{lines}"


def _kind(report: str) -> Kind:
    if report.endswith("_removed"):
        return Kind.MISSING
    return Kind.UNEXPECTED if report.endswith("_added") else Kind.CHANGED


def _sides(kind: Kind, expected: Any, actual: Any) -> tuple[Any, Any]:
    return (
        None if kind is Kind.UNEXPECTED else expected,
        None if kind is Kind.MISSING else actual,
    )


def _same_number(one: Any, two: Any) -> bool:
    numbers = all(type(value) in (int, float) for value in (one, two))
    return numbers and bool(one == two)


def _json_path(parts: Sequence[Any]) -> str:
    return "".join(map(json_step, parts))


def json_step(part: Any) -> str:
    """One step of a JSON path: `[0]`, `.name` or `["any name"]`."""
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _PLAIN_KEY.fullmatch(part) else f"[{json_text(part)}]"
