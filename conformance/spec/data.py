"""The package's data files, found wherever the package is installed."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

DATA: Traversable = files("conformance")


def read(*path: str) -> str:
    """The text of a data file, such as `read("captures", "defects.yaml")`."""
    return DATA.joinpath(*path).read_text(encoding="utf-8")


def data_files(folder: str) -> list[tuple[str, Traversable]]:
    """Every file in a folder and its sub-folders, with its path in the folder, in order of path."""
    return sorted(_files(DATA.joinpath(folder), ""), key=lambda item: item[0])


def scenario_files() -> list[tuple[str, Traversable]]:
    """Every scenario file with its path, such as `alias/direction.yaml`, in order of path."""
    found = [
        (path, file)
        for path, file in _files(DATA.joinpath("scenarios"), "")
        if "/" in path and path.endswith(".yaml")
    ]
    return sorted(found, key=lambda item: item[0].removesuffix(".yaml"))


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for each in folder.iterdir():
        if each.is_file():
            yield prefix + each.name, each
        elif each.name != "__pycache__":
            yield from _files(each, f"{prefix}{each.name}/")
