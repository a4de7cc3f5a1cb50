"""The sources that scenarios cite, and the check that they exist."""

import difflib
import json
import re
from functools import cache
from typing import Any

from conformance.spec.citations.decisions import decisions
from conformance.spec.citations.facts import PREFIX, fact_headings
from conformance.spec.data import read
from conformance.spec.yaml_text import parse_yaml

UNSOURCED = "unsourced"

LIKENESS = 0.4
"""Minimum similarity, from 0 to 1, of a wrong word and a suggested word."""

CAPTURE_FILES = (
    "cloud-classic.jsonl",
    "device-web.jsonl",
    "device-ios.jsonl",
    "device-android.jsonl",
)

_ISSUE = re.compile(r"[\w.-]+/[\w.-]+#[0-9]+", re.ASCII)

FORMS = (
    "a source is doc#slug, capture:ID, docs/facts/PAGE.md#heading, owner/repo#number, "
    f"decision:slug or {UNSOURCED}"
)


@cache
def headings() -> dict[str, dict[str, Any]]:
    """The headings and settings of the destination doc, by slug."""
    table = parse_yaml(read("spec", "headings.yaml"))
    return {row["slug"]: row for row in table["headings"] + table["settings"]}


@cache
def capture_ids() -> frozenset[str]:
    """The ids of all captures."""
    lines = (line for file in CAPTURE_FILES for line in read("captures", file).splitlines())
    return frozenset(json.loads(line)["id"] for line in lines)


def problem(source: str, *, own: bool = False) -> str | None:
    """The problem with a source as a text, or None.

    In a user's own scenarios (`own`) any text is a source, unless it has the form of a known kind.
    """
    if source == UNSOURCED:
        return None
    if source.startswith("doc#"):
        return _unknown("heading of the doc", source[4:], headings())
    if source.startswith("capture:"):
        return _unknown("capture", source[8:], capture_ids())
    if source.startswith("decision:"):
        return _unknown("decision", source[9:], decisions())
    if source.startswith(PREFIX):
        return _fact_problem(source, own)
    if source.startswith("facts/") and not own:
        return f"a fact is cited by its page and heading, like {PREFIX}cloud-classic.md#traits"
    if own or _ISSUE.fullmatch(source):
        return None
    return FORMS


def _fact_problem(source: str, own: bool) -> str | None:
    page, _, heading = source.partition("#")
    headings_by_page = fact_headings()
    if page not in headings_by_page:
        return None if own else _unknown("page of facts", page, headings_by_page)
    if not heading:
        example = f"{page}#{list(headings_by_page[page])[1]}"
        return f"a fact is cited with its heading, like {example}"
    return _unknown(f"heading of {page}", heading, headings_by_page[page])


def _unknown(kind: str, name: str, known: Any) -> str | None:
    if name in known:
        return None
    return f"there is no {kind} {name!r}{nearest(name, known)}"


def nearest(word: str, known: Any) -> str:
    """`; did you mean 'x'?` for the known word nearest to `word`, else empty."""
    close = difflib.get_close_matches(str(word), list(known), 1, LIKENESS)
    return f"; did you mean {close[0]!r}?" if close else ""
