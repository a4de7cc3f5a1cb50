"""A run as JUnit XML, which build servers show: one suite for each folder of scenarios, one for the
recordings, and one test for each case."""

import re

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from conformance.reports.results import Report
from conformance.runner.outcomes import Outcome, Verdict

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report) -> bytes:
    """The XML. An expected failure is skipped with its reason, a stale one fails."""
    suites: dict[str, TestSuite] = {}
    for outcome in report.outcomes:
        name = _suite(outcome)
        suites.setdefault(name, TestSuite(name)).add_testcase(_case(outcome, name))
    xml = JUnitXml("conformance")
    for suite in suites.values():
        suite.timestamp = report.started
        suite.add_property("target", _clean(report.target))
        suite.add_property("translator", _clean(report.translator))
        suite.add_property("summary", _clean(report.summary.sentence()))
        xml.add_testsuite(suite)
    xml.time = report.seconds
    text: bytes = xml.tostring()  # type: ignore[no-untyped-call]
    return text


def _suite(outcome: Outcome) -> str:
    if outcome.kind == "scenario":
        return outcome.id.partition("/")[0]
    return "recordings"


def _case(outcome: Outcome, suite: str) -> TestCase:
    case = TestCase(outcome.id.partition("/")[2] or outcome.id, f"conformance.{suite}")
    result = _result(outcome)
    if result is not None:
        result.text = _clean(outcome.text())
        case.result = [result]
    return case


def _result(outcome: Outcome) -> Failure | Error | Skipped | None:
    reason = _clean(outcome.reason)
    match outcome.verdict:
        case Verdict.FAIL | Verdict.STALE:
            count = len(outcome.differences)
            return Failure(reason or f"{count} difference{'' if count == 1 else 's'}")
        case Verdict.ERROR:
            return Error(reason)
        case Verdict.SKIP:
            return Skipped(reason)
        case Verdict.EXPECTED_FAILURE:
            return Skipped(f"expected failure: {reason}")
        case Verdict.PASS:
            return None


def _clean(text: str) -> str:
    """The text with what XML cannot hold written as its escape."""
    return _NOT_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
