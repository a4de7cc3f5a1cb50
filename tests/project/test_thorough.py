"""The session `thorough` runs every test that repeats more in it."""

import ast

from tests.project.paths import ROOT

NOXFILE = ROOT / "noxfile.py"


def repeating() -> tuple[str, ...]:
    """The value of `REPEATING` in the noxfile."""
    for statement in ast.parse(NOXFILE.read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "REPEATING":
            return tuple(ast.literal_eval(statement.value))
    raise AssertionError("the noxfile has no REPEATING")


def test_every_test_that_repeats_more_is_listed() -> None:
    """Each file that uses `tests.thorough` is in the list of the session, or in a folder of it."""
    listed = repeating()
    left_out = [
        path
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if "\nfrom tests.thorough import" in path.read_text()
        and not any(path.is_relative_to(ROOT / each) for each in listed)
    ]
    assert left_out == []


def test_every_listed_path_exists() -> None:
    """A test that was moved or renamed is not forgotten in the list."""
    assert [each for each in repeating() if not (ROOT / each).exists()] == []
