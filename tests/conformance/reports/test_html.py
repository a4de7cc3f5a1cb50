"""The content of the page; its behaviour is tested in a browser."""

import re

from conformance.reports.html import given, issue, page, sections, topics
from conformance.runner.outcomes import Verdict
from tests.conformance.reports.samples import every_verdict, failing, outcome, report


def test_needs_nothing_else() -> None:
    """It loads nothing: no address in it is fetched, and its policy forbids it."""
    text = page(every_verdict())
    assert re.findall(r"<(?:link|img|iframe|script src)[^>]*>", text) == []
    assert "default-src 'none'" in text


def test_what_it_shows_is_escaped() -> None:
    """The only script is its own."""
    text = page(every_verdict())
    assert 1 == text.count("<script>") == text.count("</script>")
    assert "&lt;script&gt;document.title" in text


def test_topics() -> None:
    """Headings of the doc; what cites none is counted as such, captures by themselves."""
    assert topics(
        outcome(
            "a/b",
            Verdict.PASS,
            source=("doc#track", "docs/facts/cloud-classic.md#alias", "doc#alias"),
        )
    ) == (
        "track",
        "alias",
    )
    assert topics(outcome("a/b", Verdict.PASS, source=("docs/facts/cloud-classic.md#alias",))) == (
        "other sources",
    )
    assert topics(outcome("a/b", Verdict.PASS, kind="capture")) == ("captures",)


def test_what_goes_in_part_by_part() -> None:
    """Messages are counted as a scenario counts them, over all steps."""
    names = [name for name, _ in given(failing())]
    assert names == ["clock", "settings", "message 0", "message 1", "advance", "line 2"]


def test_sections_stand_side_by_side() -> None:
    """A part that is empty on both sides is left out; the other's keys line up and are marked."""
    [requests] = sections(failing())
    assert requests.expected is not None
    assert requests.actual is not None
    assert sorted(line.text.strip() for line in requests.expected if line.differs) == [
        f'"long": "{"x" * 80}"',
        '"time": 1,',
    ]
    assert sorted(line.text.strip() for line in requests.actual if line.differs) == [
        '"more": 1',
        '"time": 2,',
    ]


def test_public_issues_are_links() -> None:
    """Other sources are not."""
    assert issue("a/b#12") == "https://github.com/a/b/issues/12"
    assert [
        issue(each) for each in ("doc#track", "docs/facts/cloud-classic.md#alias", "unsourced")
    ] == [None] * 3


def test_a_run_of_nothing() -> None:
    """A page without scenarios is a page."""
    assert "0 of 0" in page(report())


def test_a_cited_fact_is_part_of_the_report() -> None:
    """A source that cites a fact links to the heading, which the report holds; others do not."""
    cited = "docs/facts/cloud-classic.md#alias"
    target = "facts/cloud-classic/alias"
    html = page(report(outcome("a/b", Verdict.PASS, source=(cited, "doc#alias"))))
    assert f'<a href="#{target}" rel="noreferrer">{cited}</a>' in html
    assert html.count(f'<h2 id="{target}">Alias</h2>') == 1
    assert "Observed facts" not in page(report(outcome("a/b", Verdict.PASS, source=("doc#alias",))))


def test_links_between_facts_stay_in_the_report() -> None:
    """Every link inside the pages of facts leads to an id in the report."""
    html = page(report(outcome("a/b", Verdict.PASS, source=("docs/facts/device-mode.md#ios",))))
    facts = html.partition('id="facts-title"')[2]
    targets = re.findall(r'<a href="#([^"]+)"', facts)
    assert len(targets) > 10
    assert [each for each in targets if f'id="{each}"' not in facts] == []
