"""Which scenarios `-k` and `--tag` choose."""

import pytest

from conformance.errors import UsageError
from conformance.loader import load_scenarios
from conformance.select import matcher, select


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("alias", ["alias/direction", "alias/to-itself"]),
        ("ALIAS and not itself", ["alias/direction"]),
        ("itself or minimal", ["alias/to-itself", "track/minimal"]),
        ("not (alias or track/)", []),
        ("direction and alias or minimal and track", ["alias/direction", "track/minimal"]),
    ],
)
def test_expressions(expression: str, expected: list[str]) -> None:
    """Words are substrings, joined by and, or, not and brackets as in pytest."""
    names = ["alias/direction", "alias/to-itself", "track/minimal"]
    test = matcher(expression)
    assert expected == [name for name in names if test(name)]


@pytest.mark.parametrize("expression", ["and", "a or", "(a", "a b", "not", "a )"])
def test_nonsense_is_refused(expression: str) -> None:
    """An expression that makes no sense is a usage error, not an empty selection."""
    with pytest.raises(UsageError, match="did not expect"):
        matcher(expression)


def test_tags_must_all_be_there() -> None:
    """Several tags narrow the selection."""
    chosen = select(load_scenarios(), "direction", ["alias", "must"])
    assert ["alias/direction"] == [scenario.id for scenario in chosen]
    assert [] == select(load_scenarios(), None, ["alias", "page"])
