"""The envelope: fields that the profile outcome does not compare."""

from fnmatch import fnmatchcase

from conformance.spec.envelope import envelope, ignored, page
from conformance.spec.scenarios.loading import load_scenarios
from tests.project.paths import ROOT


def test_the_page_is_current() -> None:
    """docs/reference/envelope.md is what `mockpanel envelope` prints."""
    assert page() == (ROOT / "docs" / "reference" / "envelope.md").read_text(encoding="utf-8")


def test_every_subject_is_a_scenario() -> None:
    """A glob of scenarios about a field matches at least one."""
    ids = [scenario.id for scenario in load_scenarios()]
    globs = [glob for field in envelope() for glob in field.subject_of]
    assert [glob for glob in globs if not any(fnmatchcase(each, glob) for each in ids)] == []


def test_a_field_is_compared_where_it_is_the_subject() -> None:
    """The library's name is ignored everywhere but in scenarios about it."""
    assert "mp_lib" in ignored("event", "track/minimal")
    assert "mp_lib" not in ignored("event", "contextual_properties/library")
