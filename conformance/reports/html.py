"""A run as one self-contained HTML file: it needs no network and no other file.

The content comes from untrusted translators and servers. It is escaped, and the page allows no
script but its own.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from conformance.reports import facts
from conformance.reports.causes import Cause, causes
from conformance.reports.json_view import Line, lines, ordered_like, sides
from conformance.reports.results import Report
from conformance.reports.templates import render, script
from conformance.runner.outcomes import LEVELS, PLURALS, Outcome, Verdict
from conformance.spec.citations import sources
from conformance.spec.data import read
from conformance.spec.scenarios.loading import Json

OTHER = "other sources"
"""The row of outcomes without a heading of the doc."""

ISSUES = "https://github.com/{}/issues/{}"


class HeadingRow(NamedTuple):
    """A row of the matrix: its topic, the value that filters for it, and a count for each
    verdict."""

    title: str
    filter: str
    counts: Mapping[Verdict, int]


class Section(NamedTuple):
    """A part of an outcome: the expected and the actual value; None if it is absent."""

    name: str
    expected: list[Line] | None
    actual: list[Line] | None


def page(report: Report) -> str:
    """The page."""
    found = Counter(outcome.verdict for outcome in report.outcomes)
    verdicts = [verdict for verdict in Verdict if found[verdict]]
    return render(
        read("reports", "report.html"),
        report=report,
        summary=report.summary,
        causes=(reasons := causes(report.outcomes)),
        numbers=_numbers(reasons),
        anchors={each.id: anchor(each) for each in report.outcomes},
        script=script("reports", "report.js"),
        style=read("reports", "report.css"),
        verdicts=verdicts,
        plurals=PLURALS,
        counts=found,
        levels=[level for level in LEVELS if any(each.level == level for each in report.outcomes)],
        rows=list(_rows(report.outcomes)),
        outcomes=sorted(report.outcomes, key=lambda each: list(Verdict).index(each.verdict)),
        anchor=anchor,
        topics=topics,
        given=given,
        sections=sections,
        link=link,
        facts=facts.cited_pages(source for each in report.outcomes for source in each.source),
    )


def _numbers(reasons: Sequence[Cause]) -> dict[str, list[int]]:
    """Id of a case -> the numbers of its causes, from 1."""
    found: dict[str, list[int]] = {}
    for number, cause in enumerate(reasons, 1):
        for case in cause.cases:
            found.setdefault(case, []).append(number)
    return found


def anchor(outcome: Outcome) -> str:
    """The name of an outcome in a link to it."""
    return outcome.id if outcome.kind == "scenario" else f"{outcome.id}:{outcome.rules}"


def topics(outcome: Outcome) -> tuple[str, ...]:
    """The rows of the matrix that an outcome is counted in."""
    if outcome.kind != "scenario":
        return (f"{outcome.kind}s",)
    return outcome.headings or (OTHER,)


def given(outcome: Outcome) -> list[tuple[str, list[Line]]]:
    """The input of an outcome, part by part: the settings, each message, and the other parts."""
    parts: list[tuple[str, Any]] = []
    count = 0
    for name, value in outcome.given.items():
        if name != "steps":
            parts.append((name, value))
            continue
        for step in value:
            for what, each in step.items():
                if what not in ("messages", "lines"):
                    parts.append((what, each))
                    continue
                for message in each:
                    parts.append((f"{what.removesuffix('s')} {count}", message))
                    count += 1
    return [(name, lines(value, name, ())) for name, value in parts]


def sections(outcome: Outcome) -> list[Section]:
    """The expected and the actual parts, side by side, without parts that are empty in both."""
    names = dict.fromkeys([*outcome.expected, *outcome.actual])
    found = []
    for name in names:
        one, other = sides(name, outcome.differences)
        expected = _part(outcome.expected, name, one)
        actual = _part(outcome.actual, name, other, like=outcome.expected.get(name))
        if not (_empty(outcome.expected, name) and _empty(outcome.actual, name)):
            found.append(Section(name, expected, actual))
    return found


def link(source: str) -> str | None:
    """The link to a source: a page of facts at the end of the report, or a public issue."""
    return facts.link(source) or issue(source)


def issue(source: str) -> str | None:
    """The link to a public issue."""
    repository, _, number = source.partition("#")
    if "/" in repository and number.isdecimal():
        return ISSUES.format(repository, number)
    return None


def _part(values: Json, name: str, differing: Sequence[str], like: Any = None) -> list[Line] | None:
    return lines(ordered_like(values[name], like), name, differing) if name in values else None


def _empty(values: Json, name: str) -> bool:
    value: Any = values.get(name)
    if isinstance(value, dict):
        return not any(value.values())
    return value in (None, [], "")


def _rows(outcomes: Sequence[Outcome]) -> Iterator[HeadingRow]:
    found: dict[str, Counter[Verdict]] = {}
    for outcome in outcomes:
        for topic in topics(outcome):
            found.setdefault(topic, Counter())[outcome.verdict] += 1
    known = sources.headings()
    for topic in sorted(found, key=lambda name: _place(name, known)):
        title = known[topic]["title"] if topic in known else topic
        yield HeadingRow(title, topic, found[topic])


def _place(topic: str, known: Mapping[str, Any]) -> tuple[int, str]:
    """Headings in the doc's order, then the rest."""
    return (list(known).index(topic), "") if topic in known else (len(known), topic)
