"""Compares two observations of a probe; only what the probe allows may differ."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.parity.observation import Observation
from conformance.parity.probe import Allowed, Probe

ABSENT = "<absent>"
DROP = "<dropped>"
"""The replacement of a member that is left out."""


@dataclass(frozen=True)
class ProbeDifference:
    """Two values at a path, such as `answers/0/body/error`."""

    path: str
    mock: Any
    other: Any


@dataclass(frozen=True)
class Comparison:
    """The differences, and both observations as they were compared."""

    mock: Any
    other: Any
    differences: tuple[ProbeDifference, ...]


def compare(probe: Probe, mock: Observation, other: Observation) -> Comparison:
    """Compare; the order of exported rows is not compared."""
    allowed = list(probe.allowed().values())
    one, two = (_prepared(each.value(), allowed) for each in (mock, other))
    presence = [path.split("/") for each in allowed for path in each.presence]
    return Comparison(one, two, tuple(_differences(one, two, (), presence)))


def kind(value: Any) -> str:
    """The kind of a value whose content may differ."""
    if isinstance(value, bool) or value is None:
        return f"<{json.dumps(value)}>"
    if isinstance(value, int | float):
        return "<number>"
    if isinstance(value, str):
        return "<text>" if value else "<empty text>"
    return "<list>" if isinstance(value, list) else "<object>"


def _prepared(value: dict[str, Any], allowed: Sequence[Allowed]) -> dict[str, Any]:
    """The observation with rows sorted, identifiers numbered and other allowed values masked."""
    values, presence, identifiers = (
        [path.split("/") for each in allowed for path in getattr(each, name)]
        for name in ("values", "presence", "identifiers")
    )

    def sort_key(row: Any) -> str:
        """The row without everything that may differ."""
        hidden = _replaced(
            {"events": [row]}, (), [*values, *presence, *identifiers], lambda _: DROP
        )
        return json.dumps(hidden, sort_keys=True)

    if "events" in value:
        value = {**value, "events": sorted(value["events"], key=sort_key)}
    labels: dict[str, str] = {}
    numbered = _replaced(value, (), identifiers, lambda each: _label(labels, each))
    masked: dict[str, Any] = _replaced(numbered, (), [*values, *presence], kind)
    return masked


def _label(labels: dict[str, str], value: Any) -> str:
    return labels.setdefault(json.dumps(value, sort_keys=True), f"<id {len(labels) + 1}>")


def _replaced(
    value: Any,
    path: tuple[str, ...],
    paths: Sequence[Sequence[str]],
    replacement: Callable[[Any], str],
) -> Any:
    """A copy in which the values at some paths are replaced, or left out for DROP."""
    if any(_matches(path, each) for each in paths):
        return replacement(value)
    if isinstance(value, dict):
        members = {
            name: _replaced(each, (*path, name), paths, replacement) for name, each in value.items()
        }
        return {name: each for name, each in members.items() if each is not DROP}
    if isinstance(value, list):
        return [
            _replaced(each, (*path, str(n)), paths, replacement) for n, each in enumerate(value)
        ]
    return value


def _matches(path: Sequence[str], pattern: Sequence[str]) -> bool:
    return len(path) == len(pattern) and all(
        wanted in ("*", step) for step, wanted in zip(path, pattern, strict=True)
    )


def _differences(
    one: Any, two: Any, path: tuple[str, ...], presence: Sequence[Sequence[str]]
) -> Iterator[ProbeDifference]:
    if isinstance(one, dict) and isinstance(two, dict):
        for name in sorted({*one, *two}):
            yield from _differences(
                one.get(name, ABSENT), two.get(name, ABSENT), (*path, name), presence
            )
    elif isinstance(one, list) and isinstance(two, list):
        for n in range(max(len(one), len(two))):
            yield from _differences(
                one[n] if n < len(one) else ABSENT,
                two[n] if n < len(two) else ABSENT,
                (*path, str(n)),
                presence,
            )
    elif not _equal(one, two):
        either_absent = ABSENT in (one, two)
        if not (either_absent and any(_matches(path, each) for each in presence)):
            yield ProbeDifference("/".join(path), one, two)


def _equal(one: Any, two: Any) -> bool:
    """Equal as JSON: true is not 1, but 1 is 1.0."""
    return isinstance(one, bool) == isinstance(two, bool) and bool(one == two)
