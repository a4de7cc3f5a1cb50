"""A user's own scenarios: a folder with files `<folder>/<name>.yaml`, in the same form as ours.

YAML files directly in the folder are settings or lists of expected failures. Folders whose name
begins with a dot, such as a virtual environment, are left out.
"""

from functools import partial
from pathlib import Path

from conformance.errors import DataError, UsageError
from conformance.spec.scenarios.loading import Scenario, collect, parse_scenarios

SUFFIXES = (".yaml", ".yml")


def is_scenario(file: Path, folder: Path) -> bool:
    """Whether a file is a scenario of the folder by its name."""
    if file.suffix not in SUFFIXES or not file.is_relative_to(folder) or file.parent == folder:
        return False
    return not any(part.startswith(".") for part in file.relative_to(folder).parts)


def read_own(file: Path, folder: Path) -> tuple[Scenario, ...]:
    """The scenarios in a file of the folder. Raises DataError, naming the file, for a wrong one."""
    path = file.relative_to(folder).as_posix()
    if file.suffix != ".yaml":
        raise DataError(f"{path}: a scenario's file must end in .yaml")
    try:
        return parse_scenarios(file.read_text(encoding="utf-8"), path, own=True)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def load_own(folder: Path) -> tuple[Scenario, ...]:
    """All scenarios of the folder, in order of their ids.

    Raises DataError with every mistake, UsageError if there is no scenario.
    """
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    scenarios = collect(
        (file.relative_to(folder).as_posix(), partial(read_own, file, folder))
        for file in files
        if is_scenario(file, folder)
    )
    if not scenarios:
        raise UsageError(f"{folder}: it has no scenario; put scenarios into files FOLDER/NAME.yaml")
    return scenarios
