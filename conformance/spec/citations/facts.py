"""The pages of observed facts that scenarios, rules and docstrings cite.

A citation is the path of the page in the repository with the anchor of a heading, such as
`docs/facts/cloud-classic.md#traits`. An installed package holds the same pages.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from conformance.spec.data import DATA

PREFIX = "docs/facts/"

_HEADING = re.compile(r"#{1,6} +(.+?)(?: +#+)?", re.ASCII)


@cache
def fact_pages() -> dict[str, str]:
    """The text of every page, by its path such as `docs/facts/cloud-classic.md`."""
    folder = files("mock_mixpanel").joinpath("inspector", "docs", "facts")
    if not folder.is_dir():  # in a checkout
        folder = Path(str(DATA)).parent / "docs" / "facts"
    return {PREFIX + file.name: file.read_text(encoding="utf-8") for file in _pages(folder)}


def _pages(folder: Traversable) -> list[Traversable]:
    found = (file for file in folder.iterdir() if file.name.endswith(".md"))
    return sorted(found, key=lambda file: file.name)


@cache
def fact_headings() -> dict[str, dict[str, str]]:
    """The headings of every page: path of the page -> anchor -> text of the heading."""
    return {path: dict(_headings(text)) for path, text in fact_pages().items()}


def _headings(text: str) -> Iterator[tuple[str, str]]:
    in_code = False
    for line in text.splitlines():
        if line.startswith("```"):
            in_code = not in_code
        elif not in_code and (match := _HEADING.fullmatch(line)):
            yield anchor(match[1]), match[1]


def anchor(heading: str) -> str:
    """The anchor of a heading, as the documentation site makes it (mkdocs, extension `toc`)."""
    text = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
    text = re.sub(r"[^\w\s-]", "", text).strip().lower()
    return re.sub(r"[-\s]+", "-", text)
