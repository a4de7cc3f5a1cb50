"""The list of scenarios that a target is known to fail: a YAML file of ids.

alias/direction: swaps the two ids; waits for release 2
time/old-page-without-secret:
  reason: asks for no secret
  paths: ["events[*", "profiles.*"]

With a reason alone any difference of the scenario is expected. With `paths` (`*` and `?` match
anything) a difference elsewhere is a failure.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.errors import DataError
from conformance.spec.citations.sources import nearest
from conformance.spec.globs import glob_matches
from conformance.spec.yaml_text import YamlTextError, parse_yaml


@dataclass(frozen=True)
class ExpectedFailure:
    """Why a scenario is expected to fail, and the globs of the paths where it may differ."""

    reason: str
    paths: tuple[str, ...] = ("*",)

    def covers(self, path: str) -> bool:
        """Whether a difference at this path is expected."""
        return any(glob_matches(glob, path) for glob in self.paths)


def read_expected_failures(path: Path, known: Collection[str]) -> dict[str, ExpectedFailure]:
    """Id -> expected failure. Raises DataError for a file that is wrong or names unknown ids."""
    try:
        table = parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, YamlTextError) as error:
        raise DataError(f"{path}: {error}") from error
    if table is None:
        return {}
    if not isinstance(table, dict):
        raise DataError(f"{path}: must be a list of lines 'id: reason'")
    mistakes = []
    found = {}
    for scenario_id, value in table.items():
        if scenario_id not in known:
            hint = nearest(scenario_id, known)
            mistakes.append(f"{path}: there is no scenario {scenario_id!r}{hint}")
        expected = _expected_failure(value)
        if expected is None:
            mistakes.append(f"{path}: {scenario_id}: say why it is expected to fail")
        else:
            found[scenario_id] = expected
    if mistakes:
        raise DataError("\n".join(mistakes))
    return found


def _expected_failure(value: Any) -> ExpectedFailure | None:
    """The expected failure in a value of the file; None if it has no reason or a wrong form."""
    if isinstance(value, str):
        value = {"reason": value}
    if not isinstance(value, dict) or not value.keys() <= {"reason", "paths"}:
        return None
    reason, paths = value.get("reason"), value.get("paths", ["*"])
    if not isinstance(reason, str) or not reason.strip():
        return None
    if not isinstance(paths, list) or not all(isinstance(each, str) for each in paths):
        return None
    return ExpectedFailure(reason, tuple(paths))
