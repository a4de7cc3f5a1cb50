from pathlib import Path

from translator.reference import page

REFERENCE = Path(__file__).parents[2] / "docs" / "reference.md"


def test_the_reference_is_current() -> None:
    """docs/reference.md is what the tables give; regenerate it after changing a table."""
    assert REFERENCE.read_text(encoding="utf-8") == page()
