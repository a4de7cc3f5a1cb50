"""Tolerances: differences that are accepted for a target, each with a reason and a last day.

    [[approval]]
    class = "missing"
    operation = "event"
    path = "properties.$app_version_string"
    reason = "the version is sent as $app_version only"
    expires = 2026-12-31

The format is that of `diff`'s approvals. `class` is missing, unexpected or changed; `operation` is
what differs (event, profile, group, people, or an endpoint in the profile `exact`); `path` is the
place in it, without numbers. `operation` and `path` may hold `*` and `?`. `scenarios`, a list of
ids or globs, restricts it to these scenarios: a whole event that may be missing in one scenario
must not be missing in all.
"""

import datetime
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from conformance.errors import DataError
from conformance.runner.compare import Difference, Kind
from conformance.runner.outcomes import Outcome, Verdict
from conformance.spec.approval_rows import read_approval_rows
from conformance.spec.globs import glob_matches
from conformance.spec.toml_text import toml_text

DAYS = 90
"""Validity of a tolerance that `--write-tolerances` writes."""

_INDEX = re.compile(r"\[[0-9]*\]")
_KINDS = {"events": "event", "profiles": "profile", "groups": "group", "people": "people"}
_STEP = re.compile(r'\.[^.\[]+|\["(?:[^"\\]|\\.)*"\]|\[[0-9]*\]')


class DifferenceClass(NamedTuple):
    """The common part of similar differences: class, operation and path."""

    kind: str
    operation: str
    path: str

    def __str__(self) -> str:
        place = f"{self.operation} {self.path}".strip()
        return f"{place} {self.kind}"


def class_of(difference: Difference, outcome: Outcome) -> DifferenceClass:
    """The class of a difference: without numbers, and without ids of profiles and groups."""
    section = re.split(r"[.\[]", difference.path, maxsplit=1)[0]
    steps = _STEP.findall(difference.path[len(section) :])
    if section == "requests":
        return DifferenceClass(
            difference.kind.value, _endpoint(difference, outcome, steps), _path(steps[1:])
        )
    if section in _KINDS:
        # The event's number; the profile's id; the group's key and id.
        skipped = {"events": 1, "profiles": 1, "groups": 2, "people": 0}[section]
        return DifferenceClass(difference.kind.value, _KINDS[section], _path(steps[skipped:]))
    return DifferenceClass(difference.kind.value, section, _path(steps))


def _endpoint(difference: Difference, outcome: Outcome, steps: Sequence[str]) -> str:
    number = int(steps[0].strip("[]") or 0) if steps else 0
    sides = (outcome.actual, outcome.expected)
    for side in sides if difference.kind is Kind.UNEXPECTED else reversed(sides):
        requests = side.get("requests") or []
        if number < len(requests) and "endpoint" in requests[number]:
            return str(requests[number]["endpoint"])
    return "request"


def _path(steps: Iterable[str]) -> str:
    return _INDEX.sub("[]", "".join(steps)).removeprefix(".")


@dataclass(frozen=True)
class Tolerance:
    """One tolerance; `number` is its place in the file, from 1."""

    number: int
    kind: str
    operation: str
    path: str
    reason: str
    expires: datetime.date
    scenarios: tuple[str, ...] = ()

    def covers(self, found: DifferenceClass, scenario_id: str) -> bool:
        """Whether it covers this class of differences in this scenario."""
        return (
            found.kind == self.kind
            and (not self.scenarios or any(glob_matches(g, scenario_id) for g in self.scenarios))
            and glob_matches(self.operation, found.operation)
            and glob_matches(self.path, found.path)
        )

    def __str__(self) -> str:
        what = f"{self.kind}, {self.operation}, {self.path or 'whole'}"
        return f"tolerance {self.number} ({what})"


class Tolerances:
    """The tolerances of a run. `used` are those that applied."""

    def __init__(self, tolerances: Sequence[Tolerance], today: datetime.date) -> None:
        self.expired = [each for each in tolerances if each.expires < today]
        self._valid = [each for each in tolerances if each.expires >= today]
        self._used: Counter[int] = Counter()

    def applied(self, outcome: Outcome) -> Outcome:
        """The outcome without tolerated differences: an expected failure if no other difference is
        left."""
        if outcome.verdict is not Verdict.FAIL or not self._valid:
            return outcome
        left, reasons = [], []
        for difference in outcome.differences:
            found = class_of(difference, outcome)
            tolerance = next((each for each in self._valid if each.covers(found, outcome.id)), None)
            if tolerance is None:
                left.append(difference)
            else:
                self._used[tolerance.number] += 1
                reasons.append(f"tolerated: {tolerance.reason}")
        if not left:
            reason = "; ".join(dict.fromkeys(reasons))
            return replace(outcome, verdict=Verdict.EXPECTED_FAILURE, reason=reason)
        return replace(
            outcome,
            differences=tuple(left),
            notes=(*outcome.notes, *dict.fromkeys(reasons)),
        )

    def stale(self, *, whole: bool) -> list[str]:
        """The problems of the file: expired tolerances, and unused ones after a complete run."""
        lines = [f"{each}: it expired on {each.expires}" for each in self.expired]
        if whole:
            unused = (each for each in self._valid if not self._used[each.number])
            lines += [f"{each}: no difference needs it" for each in unused]
        return lines


def read_tolerances(path: Path) -> list[Tolerance]:
    """The tolerances in a TOML file. Raises DataError naming the tolerance and the field."""
    classes = [kind.value for kind in Kind]
    rows = read_approval_rows(path, "tolerance", classes, lists=("scenarios",))
    found = []
    for number, row in enumerate(rows, 1):
        scenarios = tuple(row.get("scenarios", ()))
        if _matches_all(row["operation"]) and _matches_all(row["path"]) and not scenarios:
            raise DataError(
                f"{path}: tolerance {number} accepts every difference that is {row['class']}; "
                "name an operation, a path or scenarios"
            )
        found.append(
            Tolerance(
                number,
                row["class"],
                row["operation"],
                row["path"],
                row["reason"],
                row["expires"],
                scenarios,
            )
        )
    return found


def _matches_all(glob: str) -> bool:
    """Whether a glob matches every text of some length."""
    return "*" in glob and not glob.strip("*?")


def tolerances_text(outcomes: Iterable[Outcome], today: datetime.date) -> str:
    """A file of tolerances for every difference of a run, most frequent first."""
    found: Counter[DifferenceClass] = Counter()
    scenarios: dict[DifferenceClass, list[str]] = {}
    for outcome in outcomes:
        if outcome.verdict is Verdict.FAIL:
            for each in {class_of(each, outcome) for each in outcome.differences}:
                found[each] += 1
                scenarios.setdefault(each, []).append(outcome.id)
    expires = today + datetime.timedelta(days=DAYS)
    lines = [
        "# Differences of one run. Give each a reason of your own, and delete what must be fixed.",
    ]
    for each, count in sorted(found.items(), key=lambda item: (-item[1], item[0])):
        lines += [
            "",
            f"# {count} scenario{'' if count == 1 else 's'}, such as {scenarios[each][0]}",
            "[[approval]]",
            f"class = {toml_text(each.kind)}",
            f"operation = {toml_text(each.operation)}",
            f"path = {toml_text(_literal(each.path))}",
            'reason = "written by --write-tolerances; to be judged"',
            f"expires = {expires.isoformat()}",
        ]
        if not _is_property(each):
            ids = dict.fromkeys(scenarios[each])
            lines += ["scenarios = [", *(f"  {toml_text(id)}," for id in ids), "]"]
    return "\n".join(lines) + "\n"


def _is_property(found: DifferenceClass) -> bool:
    """Whether a class is about one property, which says enough of what is accepted."""
    if found.operation == "event":
        return found.path.startswith("properties.") or found.path.startswith("properties[")
    return bool(found.path) and found.operation not in ("people", "errors")


def _literal(path: str) -> str:
    """A path as a glob; `?` also matches the characters that globs give a meaning."""
    return path.replace("*", "?")
