"""The form of a scenario, as a page."""

from pathlib import Path

from conformance.spec.schema_page import page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "scenarios.md"


def test_the_page_is_current() -> None:
    """docs/reference/scenarios.md is what `python -m conformance schema` prints."""
    assert page() == PAGE.read_text(encoding="utf-8")
