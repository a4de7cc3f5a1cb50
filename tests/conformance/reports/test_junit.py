"""A run as JUnit XML."""

from xml.etree import ElementTree

from conformance.reports.junit import junit
from tests.conformance.reports.samples import every_verdict


def cases() -> dict[str, ElementTree.Element]:
    root = ElementTree.fromstring(junit(every_verdict()))
    return {f"{case.get('classname')} {case.get('name')}": case for case in root.iter("testcase")}


def test_one_suite_for_each_folder() -> None:
    """Scenarios by folder, and the recordings, each with its counts and the target."""
    root = ElementTree.fromstring(junit(every_verdict()))
    assert {
        suite.attrib["name"]: tuple(
            suite.attrib[each] for each in ("tests", "failures", "errors", "skipped")
        )
        for suite in root.iter("testsuite")
    } == {
        "alias": ("1", "0", "0", "0"),
        "track": ("4", "1", "1", "2"),
        "time": ("2", "2", "0", "0"),
        "recordings": ("2", "0", "0", "1"),
    }
    assert {
        each.get("value") for each in root.iter("property") if each.get("name") == "target"
    } == {"exec:node driver.mjs"}


def test_verdicts() -> None:
    """Each verdict is what a build server takes it for, with its reason."""
    found = {
        name: [(child.tag, child.get("message")) for child in case]
        for name, case in cases().items()
    }
    assert found["conformance.alias passes"] == []
    assert found["conformance.track fails"] == [("failure", "3 differences")]
    assert found["conformance.track skipped"] == [("skipped", "no groups")]
    assert found["conformance.track breaks"] == [("error", "ended with exit status 1")]
    assert found["conformance.track known"] == [("skipped", "expected failure: ticket 12")]
    assert found["conformance.time stale"] == [("failure", "it conforms now")]


def test_near_misses_are_in_the_text() -> None:
    """The text of a failure has every path with both values, whole."""
    text = cases()["conformance.track fails"].findtext("failure")
    assert text is not None
    assert f'requests[0].record.properties.long: missing\n      expected  "{"x" * 80}"' in text
    assert ("requests[0].record.properties.time\n      expected  1\n      actual    2") in text


def test_what_xml_cannot_hold() -> None:
    """Control characters and lone surrogates are written as escapes."""
    text = cases()["conformance.time hostile"].findtext("failure")
    assert text is not None
    assert "onerror=\"document.title='p'\">\\u0000\\ud800" in text
