"""Markdown for pull requests: verdict first, causes in a table, nothing from outside is markup."""

import pytest

from conformance.reports.markdown import code, run_markdown, table
from tests.conformance.reports.samples import all_pass, failing, report


def test_a_conformant_run() -> None:
    """The first line is the verdict, then the totals in a sentence."""
    text = run_markdown(all_pass())
    assert text.splitlines()[0].endswith(" conforms")
    assert "behaviours hold." in text


def test_a_failing_run_shows_causes() -> None:
    """Failures are shown by cause, with an example."""
    text = run_markdown(report(failing()))
    assert text.splitlines()[0].endswith(" does not conform")
    assert "| Cause | Cases | Must | Only cause of | Example |" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "`a`"),
        ("a|b", "`a\\|b`"),
        ("<img src=x>\n# x", "`<img src=x> # x`"),
        ("a`b", "`` a`b ``"),
        ("", "` `"),
    ],
)
def test_code_holds_any_text(text: str, expected: str) -> None:
    """Nothing in the text is Markdown, HTML or a new line."""
    assert code(text) == expected


def test_table() -> None:
    """A table has a head, a line below it, and rows."""
    assert table(("A", "B"), [("1", "2")]) == ["| A | B |", "|---|---|", "| 1 | 2 |"]
