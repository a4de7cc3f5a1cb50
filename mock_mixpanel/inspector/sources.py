"""The documented facts that reasons cite: sections of the pages in docs/."""

import re
from pathlib import Path

PREFIX = "docs/"
HERE = Path(__file__).parent
FOLDERS = (HERE / "docs", HERE.parents[1] / "docs")
"""The folders of the pages: in an installed package, and in a checkout."""


def section(source: str) -> str | None:
    """The text of a section, such as `docs/facts/PAGE.md#heading`; None if it does not exist.

    Without a heading it is the whole page.
    """
    path, _, anchor = source.partition("#")
    if not re.fullmatch(r"docs/(facts|reference)/[a-z-]+\.md", path):
        return None
    name = path.removeprefix(PREFIX)
    page = next((folder / name for folder in FOLDERS if (folder / name).is_file()), None)
    if page is None:
        return None
    text = page.read_text(encoding="utf-8")
    return text if not anchor else _part(text, anchor)


def _part(text: str, anchor: str) -> str | None:
    """A heading with what stands below it, up to the next heading of its level or above."""
    found: list[str] = []
    level = 0
    for line in text.splitlines():
        heading = re.match(r"(#+) (.+)", line)
        if heading and level and len(heading[1]) <= level:
            break
        if heading and not level and slug(heading[2]) == anchor:
            level = len(heading[1])
        if level:
            found.append(line)
    return "\n".join(found) or None


def slug(heading: str) -> str:
    """The anchor of a heading, as the documentation site makes it."""
    kept = re.sub(r"[^\w\s-]", "", heading).strip().lower()
    return re.sub(r"[-\s]+", "-", kept)
