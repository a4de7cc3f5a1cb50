"""The expression of `-k`."""

import pytest

from conformance.errors import UsageError
from conformance.spec.scenarios.keyword import matcher


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("alias", ["alias/direction", "alias/to-itself"]),
        ("ALIAS and not itself", ["alias/direction"]),
        ("itself or minimal", ["alias/to-itself", "track/minimal"]),
        ("not (alias or track/ or order)", []),
        ("order or notable or android", ["order/notable"]),
        ("not not (alias)", ["alias/direction", "alias/to-itself"]),
        (" or ".join(["minimal"] * 2000), ["track/minimal"]),
        ("direction and alias or minimal and track", ["alias/direction", "track/minimal"]),
    ],
)
def test_expressions(expression: str, expected: list[str]) -> None:
    """Words are substrings, joined by and, or, not and brackets as in pytest."""
    names = ["alias/direction", "alias/to-itself", "track/minimal", "order/notable"]
    test = matcher(expression)
    assert [name for name in names if test(name)] == expected


@pytest.mark.parametrize("expression", ["", "and", "a or", "(a", "a b", "not", "a )", "()"])
def test_nonsense_is_refused(expression: str) -> None:
    """An expression that makes no sense is a usage error, not an empty selection."""
    with pytest.raises(UsageError, match=r"a word is missing at the end|unexpected"):
        matcher(expression)


def test_the_error_names_the_place() -> None:
    """The error quotes the word that does not fit, and says how to join words."""
    with pytest.raises(UsageError) as caught:
        matcher("alias order")
    assert str(caught.value) == (
        "-k 'alias order': unexpected 'order'; join words with 'and', 'or', 'not' and brackets"
    )
