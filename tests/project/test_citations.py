"""Citations of observed facts: each leads to a heading of a page in docs/facts."""

import re
from typing import Any

import pytest
from markdown import Markdown
from markdown.extensions.toc import TocExtension

from conformance.spec.citations.facts import fact_headings, fact_pages
from tests.project.paths import ROOT, tracked_files

CITATION = re.compile(r"docs/facts/([\w.-]+?\.md)(?:#([\w-]*))?(?!\w)")
BARE_NUMBER = re.compile(r"\((?:[^()\n]*[,; ])?[0-9]\.[0-9]{1,2}(?:, [0-9]\.[0-9]{1,2})*\)")
OLD_FORM = re.compile(r"(?<!docs/)(?<!conformance/)(?<!\.\./)\bfacts/[a-z-]+(?:#| [0-9]| section)")
SOURCES = {".py", ".yaml", ".yml", ".md", ".json", ".jsonl", ".toml", ".html", ".j2"}
THIS = "tests/project/test_citations.py"
WRONG_EXAMPLES = {
    "tests/conformance/spec/scenarios/test_loading.py",
    "tests/mock_mixpanel/inspector/test_copying.py",
}
"""Tests that cite pages and headings that do not exist, on purpose."""


def texts() -> dict[str, str]:
    """Every text file of the project that may cite a fact."""
    found = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in tracked_files()
        if path.suffix in SOURCES
    }
    return {name: text for name, text in found.items() if name != THIS}


TEXTS = texts()


def test_every_citation_leads_to_a_heading() -> None:
    """Every cited page and heading exists, except in the wrong examples of a test."""
    wrong = [
        (name, match[0])
        for name, text in TEXTS.items()
        if name not in WRONG_EXAMPLES
        for match in CITATION.finditer(text)
        if match[1] not in ("NAME.md", "PAGE.md")
        and (
            f"docs/facts/{match[1]}" not in fact_headings()
            or (match[2] is not None and match[2] not in fact_headings()[f"docs/facts/{match[1]}"])
        )
    ]
    assert wrong == []


def test_the_scan_finds_citations() -> None:
    """Scenarios and all three packages cite facts, so the scan looks where it should."""
    citing = {name.partition("/")[0] for name, text in TEXTS.items() if CITATION.search(text)}
    assert citing >= {"translator", "mock_mixpanel", "conformance", "tests"}
    cited = [match[0] for text in TEXTS.values() for match in CITATION.finditer(text) if match[2]]
    assert len(cited) > 500


def test_no_citation_is_a_number() -> None:
    """No docstring or comment cites a section by its number alone, or a page without its path."""
    found = [
        (name, match[0])
        for name, text in TEXTS.items()
        if name.startswith(("translator", "mock_mixpanel", "conformance"))
        and not name.startswith("conformance/captures")
        for line in text.splitlines()
        for match in (OLD_FORM.search(line), name.endswith(".py") and prose_number(line))
        if match
    ]
    assert found == []


def prose_number(line: str) -> re.Match[str] | None:
    """A number in parentheses after a word, in a docstring or a comment."""
    match = BARE_NUMBER.search(line)
    before = line[: match.start()] if match else ""
    is_code = "=" in before or before.count('"') not in (0, 3)
    return match if match and before.endswith(" ") and not is_code else None


@pytest.mark.parametrize("page", sorted(fact_pages()))
def test_anchors_are_those_of_the_site(page: str) -> None:
    """The anchors are those that the documentation site gives the headings, each only once."""
    parser = Markdown(extensions=[TocExtension(), "fenced_code", "tables"])
    parser.convert(fact_pages()[page])

    assert toc_ids(parser.toc_tokens) == list(fact_headings()[page])


def toc_ids(tokens: list[dict[str, Any]]) -> list[str]:
    """The ids of all headings, in their order."""
    return [each for token in tokens for each in (token["id"], *toc_ids(token["children"]))]
