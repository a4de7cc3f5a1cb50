"""Where scenarios stand: what a reader finds by the name of a folder and a file."""

from collections import Counter
from pathlib import PurePosixPath

from conformance.spec.data import read
from conformance.spec.scenarios.loading import load_scenarios

FILES = {PurePosixPath(scenario.file) for scenario in load_scenarios()}
LARGEST_FOLDER = 60


def test_mode_and_rules_are_keys() -> None:
    """No name of a file says the mode or the rules of its scenarios; the keys do."""
    named = [
        scenario.file
        for scenario in load_scenarios()
        if scenario.mode in PurePosixPath(scenario.file).stem.split("-")
        or scenario.rules in PurePosixPath(scenario.file).stem.split("-")
    ]
    assert named == []


def test_both_rule_sets_stand_side_by_side() -> None:
    """A scenario `X-observed` stands in the file of the scenario `X`."""
    file_by_id = {scenario.id: scenario.file for scenario in load_scenarios()}
    apart = [
        each
        for each, file in file_by_id.items()
        if file_by_id.get(each.removesuffix("-observed"), file) != file
    ]
    assert apart == []


def test_no_folder_is_too_large() -> None:
    """A folder holds at most sixty files; a larger one has parts."""
    sizes = Counter(file.parent for file in FILES)
    assert {str(folder): size for folder, size in sizes.items() if size > LARGEST_FOLDER} == {}


def test_the_readme_names_every_folder() -> None:
    """conformance/scenarios/README.md says what each folder is for."""
    readme = read("scenarios", "README.md")
    folders = {part for file in FILES for part in file.parent.parts}
    assert [each for each in sorted(folders) if f"{each}`" not in readme] == []
