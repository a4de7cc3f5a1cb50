"""Scenarios of somebody's own: a folder with `<folder>/<name>.yaml` in it, in the form of ours.

YAML files right in the folder are something else, such as settings or a list of expected failures.
"""

from pathlib import Path

from conformance.errors import DataError, UsageError
from conformance.spec.loading import Scenario, parse_scenario

SUFFIXES = (".yaml", ".yml")


def is_scenario(file: Path, folder: Path) -> bool:
    """Whether a file is meant to be a scenario of the folder."""
    return file.suffix in SUFFIXES and file.is_relative_to(folder) and file.parent != folder


def read_own(file: Path, folder: Path) -> Scenario:
    """The scenario in a file of the folder. Raises DataError, naming the file, for a wrong one."""
    path = file.relative_to(folder).as_posix()
    if file.suffix != ".yaml":
        raise DataError(f"{path}: a scenario's file is called .yaml")
    try:
        return parse_scenario(file.read_text(encoding="utf-8"), path, own=True)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def load_own(folder: Path) -> tuple[Scenario, ...]:
    """All scenarios of the folder, in order of their ids.

    Raises DataError with every mistake, UsageError if there is no scenario.
    """
    scenarios, mistakes = [], []
    for file in sorted(folder.rglob("*")):
        if file.is_file() and is_scenario(file, folder):
            try:
                scenarios.append(read_own(file, folder))
            except DataError as error:
                mistakes.append(str(error))
    if mistakes:
        raise DataError("\n".join(mistakes))
    if not scenarios:
        raise UsageError(f"{folder}: no scenario is in it; they are files FOLDER/NAME.yaml there")
    return tuple(sorted(scenarios, key=lambda scenario: scenario.id))
