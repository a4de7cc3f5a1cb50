"""Dependencies: each is imported, each import is declared, and the docs say why."""

import re
import sys
from functools import cache

from tests.project.paths import PACKAGES, ROOT, pyproject
from tests.project.test_boundaries import imports, modules

MODULES = {
    "jinja2": "jinja2",
    "markdown-it-py": "markdown_it",
    "prometheus-client": "prometheus_client",
    "pyyaml": "yaml",
    "ua-parser": "ua_parser",
}
"""Distribution -> the module that it brings, where the names differ."""

LOADED_BY_NAME = {"uvloop"}
"""Distributions that another library loads if they are installed."""

COMES_WITH = {"markupsafe": "jinja2", "py4j": "pyspark", "urllib3": "requests"}
"""Module -> the declared dependency that always brings it."""


def declared(requirements: list[str]) -> set[str]:
    """The names of the distributions that are required."""
    return {re.split(r"[^A-Za-z0-9-]", each)[0].lower() for each in requirements}


@cache
def imported() -> set[str]:
    """The top-level names that the three packages import, without the standard library."""
    names = {
        name.partition(".")[0]
        for package in PACKAGES
        for path in modules(package)
        for name in imports(path)
    }
    return names - set(sys.stdlib_module_names) - set(PACKAGES)


REQUIRED = declared(pyproject()["project"]["dependencies"])
EXTRAS = declared(
    [each for some in pyproject()["project"]["optional-dependencies"].values() for each in some]
)


def module_of(distribution: str) -> str:
    return MODULES.get(distribution, distribution.replace("-", "_"))


def test_what_is_installed_is_imported() -> None:
    """No plain installation brings a library that the packages do not import."""
    unused = {each for each in REQUIRED - LOADED_BY_NAME if module_of(each) not in imported()}
    assert unused == set()


def test_what_is_imported_is_installed() -> None:
    """Every imported library is a declared dependency, of a plain installation or of an extra."""
    known = {module_of(each) for each in REQUIRED | EXTRAS} | set(COMES_WITH)
    assert imported() - known == set()


def test_the_page_explains_every_dependency() -> None:
    """docs/explanation/dependencies.md has a line for each dependency, and for no other."""
    page = (ROOT / "docs" / "explanation" / "dependencies.md").read_text(encoding="utf-8")
    table = page.partition("| Dependency |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z0-9-]+)`", table, flags=re.MULTILINE)) == REQUIRED
