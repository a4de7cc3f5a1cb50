"""The size of modules: one idea each, in at most 300 lines."""

import pytest

from tests.project.paths import PACKAGES, ROOT
from tests.project.test_boundaries import modules

LARGEST = 300
"""Lines of a module."""

EXCEPTIONS: dict[str, str] = {}
"""Path of a module with more lines -> why it is not divided."""


def large_modules(package: str) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in modules(package)
        if len(path.read_text(encoding="utf-8").splitlines()) > LARGEST
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_is_large(package: str) -> None:
    """A module has at most 300 lines, with the listed exceptions."""
    assert large_modules(package) - set(EXCEPTIONS) == set()


def test_every_exception_is_a_module() -> None:
    """A listed exception exists."""
    assert {path for path in EXCEPTIONS if not (ROOT / path).is_file()} == set()
