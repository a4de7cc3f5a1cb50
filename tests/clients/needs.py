"""Programs and packages that a client needs. If one is missing, a test fails in CI and is skipped
elsewhere."""

import importlib
import os
import shutil
from pathlib import Path
from typing import Any, NoReturn

import pytest

NODE_FOLDER = "CLIENTS_NODE"
"""The environment variable that names a folder with the scripts of `node/` and their packages."""


def absent(what: str) -> NoReturn:
    """Say that a client cannot run."""
    if os.environ.get("CI") == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what, allow_module_level=True)


def python_client(module: str) -> Any:
    """A client's Python module."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        absent(f"{error}; nox installs it")


def program(*names: str) -> str:
    """The path of a program, whichever of its names it goes by."""
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    absent(f"{names[0]} is not installed; docs/how-to/clients.md says how to install it")


def node_package(name: str) -> Path:
    """The folder of an npm package that the session installed."""
    folder = Path(os.environ.get(NODE_FOLDER, ".")) / "node_modules" / name
    if not folder.is_dir():
        absent(f"{name} is not installed; `nox -s clients` installs it if there is npm")
    return folder


READERS_FOLDER = "CLIENTS_READERS"
"""The environment variable that names a folder with an environment for each reader."""


def reader(name: str, program: str) -> Path:
    """The Python of the environment of a reader, which has a program."""
    scripts = Path(os.environ.get(READERS_FOLDER, "."), name, "bin")
    if not (scripts / program).is_file():
        absent(f"{program} is not installed; `nox -s clients` installs it")
    return scripts / "python"
