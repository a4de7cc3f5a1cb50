"""The package's data files, found wherever the package is installed."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

DATA: Traversable = files("conformance")


def read(*path: str) -> str:
    """The text of a data file, such as `read("captures", "defects.yaml")`."""
    return DATA.joinpath(*path).read_text(encoding="utf-8")


def scenario_files() -> list[tuple[str, Traversable]]:
    """Every scenario file with its path, such as `alias/direction.yaml`, in order of path."""
    found = list(_yaml_files(DATA.joinpath("scenarios"), ""))
    return sorted(found, key=lambda item: item[0].removesuffix(".yaml"))


def _yaml_files(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _yaml_files(each, f"{prefix}{each.name}/")
        elif prefix and each.name.endswith(".yaml"):
            yield prefix + each.name, each
