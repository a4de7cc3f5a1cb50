"""docs/architecture.md: it has a line for every folder, and none for what does not exist."""

import re

from tests.project.paths import PACKAGES, ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def folders(package: str) -> set[str]:
    """The folders right in a package."""
    return {
        path.name
        for path in (ROOT / package).iterdir()
        if path.is_dir() and not path.name.startswith(("_", "."))
    }


def described(package: str) -> set[str]:
    """The folders that have a line in the package's table."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    [text] = [part for part in section if part.startswith(f"{package}\n")]
    rows = re.findall(r"^\| (`.+?`(?:, `.+?`)*) \|", text, flags=re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(.+?)`", row)}


def test_every_folder_has_its_line() -> None:
    """The tables and the tree name the same folders."""
    assert {name: described(name) for name in PACKAGES} == {
        name: folders(name) for name in PACKAGES
    }
