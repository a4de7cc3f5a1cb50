from pathlib import Path

from translator.reference import page

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "translator.md"


def test_the_reference_is_current() -> None:
    """docs/reference/translator.md is generated from the tables."""
    assert REFERENCE.read_text(encoding="utf-8") == page()
