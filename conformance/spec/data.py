"""The package's data files, found wherever the package is installed."""

from importlib.resources import files
from importlib.resources.abc import Traversable

DATA: Traversable = files("conformance")


def read(*path: str) -> str:
    """The text of a data file, such as `read("captures", "defects.yaml")`."""
    return DATA.joinpath(*path).read_text(encoding="utf-8")


def scenario_files() -> list[tuple[str, Traversable]]:
    """Every scenario file with its path, such as `alias/direction.yaml`, in order of path."""
    found: list[tuple[str, Traversable]] = []
    for folder in DATA.joinpath("scenarios").iterdir():
        if folder.is_dir():
            found += [
                (f"{folder.name}/{file.name}", file)
                for file in folder.iterdir()
                if file.name.endswith(".yaml")
            ]
    return sorted(found, key=lambda item: item[0].removesuffix(".yaml"))
