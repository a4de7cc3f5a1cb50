"""The boundaries between the packages, and around the pure core."""

import ast
import importlib
from functools import cache
from pathlib import Path

import pytest

from tests.project.paths import PACKAGES, ROOT, pyproject, tracked_files

KNOWS = {
    "translator": {"translator"},
    "mock_mixpanel": {"mock_mixpanel"},
    "conformance": {"translator", "mock_mixpanel", "conformance"},
}

EDGES = {
    "__main__.py",
    "cli.py",
    "commands.py",
    "options.py",
    "bulk.py",
    "bulk_workers.py",
    "standard_streams.py",
    "sender",
    "gateway",
    "spark",
    "storage",
}
"""The parts of translator/ with side effects."""

IMPURE_MODULES = {
    "asyncio",
    "http",
    "os",
    "random",
    "requests",
    "secrets",
    "socket",
    "subprocess",
    "threading",
    "time",
    "urllib.request",
}
IMPURE_CALLS = {"now", "utcnow", "today", "uuid1", "uuid4", "getenv", "open"}


def modules(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"{package} has no modules"
    return found


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a module; several tests walk it."""
    return ast.parse(path.read_text())


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every module that a file imports, by its full name."""
    found: list[str] = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide what knows what"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(found)


def core_modules() -> list[Path]:
    folder = ROOT / "translator"
    return [
        path for path in modules("translator") if EDGES.isdisjoint(path.relative_to(folder).parts)
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_know_only_whom_they_may(package: str) -> None:
    """The translator and the mock never import each other; only conformance knows both."""
    known = {
        (path.name, name)
        for path in modules(package)
        for name in imports(path)
        if name.split(".")[0] in PACKAGES and name.split(".")[0] not in KNOWS[package]
    }
    assert known == set()


def test_core_imports_nothing_impure() -> None:
    """Translating needs no clock, network, randomness or environment."""
    impure = {
        (path.name, name)
        for path in core_modules()
        for name in imports(path)
        if any(f"{name}.".startswith(f"{module}.") for module in IMPURE_MODULES)
    }
    assert impure == set()


def test_core_asks_for_nothing_impure() -> None:
    """Translating calls no function for the time, a random id or a file."""
    impure = {
        (path.name, call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id)
        for path in core_modules()
        for call in ast.walk(parsed(path))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute | ast.Name)
        if (call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id)
        in IMPURE_CALLS
    }
    assert impure == set()


def test_core_does_not_know_the_sender() -> None:
    """Translating works without delivering."""
    assert {
        (path.name, name)
        for path in core_modules()
        for name in imports(path)
        if name.startswith("translator.sender")
    } == set()


def test_the_scan_sees_the_core() -> None:
    """The scan includes the core and excludes its edges."""
    names = {path.name for path in core_modules()}
    assert names >= {"translate.py", "operations.py", "settings.py", "timestamps.py"}
    assert names & {"cli.py", "commands.py", "deliver.py", "transport.py"} == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_one_version(package: str) -> None:
    """The version of a package, if it has one, is that of the distribution."""
    declared = pyproject()["project"]["version"]
    assert declared == getattr(importlib.import_module(package), "__version__", declared)


def test_no_paths_of_a_machine() -> None:
    """No file contains a path of the machine on which it was written."""
    machine_paths = ["/" + "work/", "/" + "tmp/venv", "/" + "root/"]
    found = []
    for path in tracked_files():
        text = path.read_text(errors="ignore")
        found += [(str(path.relative_to(ROOT)), name) for name in machine_paths if name in text]
    assert found == []
