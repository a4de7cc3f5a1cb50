"""Java's conversions. Expectations are those of Java's documentation or of a recorded session."""

import math
from typing import Any

import pytest

from translator.device.mobile import java


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        (" a ", " a "),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-7, "-7"),
        (9007199254740993, "9007199254740993"),
        (2**63 - 1, "9223372036854775807"),
        (2**63, "9.223372036854776E18"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (5.0, "5.0"),
        (4.5, "4.5"),
        (100.0, "100.0"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (1e-7, "1.0E-7"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (10000000.5, "1.00000005E7"),
        (1e21, "1.0E21"),
        (-1.5e-10, "-1.5E-10"),
        (5e-324, "4.9E-324"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        ([], "[]"),
        (["a", "b"], "[a, b]"),
        ({}, "{}"),
        ({"a": 1}, "{a=1}"),
        ({"a": [1, None, {"b": 2.0}], "c": True}, "{a=[1, null, {b=2.0}], c=true}"),
    ],
)
def test_text(value: Any, expected: str) -> None:
    """`String.valueOf` of each kind of JSON value."""
    assert java.text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12.75", 12.75),
        ("+5", 5),
        ("-3.5", -3.5),
        (".5", 0.5),
        ("5.", 5),
        ("1e3", 1000),
        ("1E-2", 0.01),
        ("010", 10),
        (" \t\n\x00 12\x1f ", 12),
        ("12d", 12),
        ("12D", 12),
        ("12f", 12),
        ("12F", 12),
        ("0x1p3", 8),
        ("-0X.8P1", -1),
        ("0x1.8p0d", 1.5),
        ("1e400", math.inf),
        ("-1e400", -math.inf),
        ("0x1p5000", math.inf),
        ("-0x1p5000", -math.inf),
        ("Infinity", math.inf),
        ("+Infinity", math.inf),
        ("-Infinity", -math.inf),
        (7, 7),
        (123456789012345678, 123456789012345680),
        (0.1, 0.1),
    ],
)
def test_double(value: Any, expected: float) -> None:
    """Numbers, and text that `Double.valueOf` takes."""
    assert java.double(value) == expected


@pytest.mark.parametrize("value", ["NaN", "-NaN", " NaN "])
def test_not_a_number(value: str) -> None:
    """Exactly `NaN`, with or without a sign, is Java's NaN."""
    assert math.isnan(java.double(value))


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "$5", "1,249.90", "1_000", "inf", "nan", "infinity", "0x10", "0x", "."),
        *("+", "e5", "1e", "12dd", "12L", "1 2", "--1", "NaNd", "InfinityF", "twelve"),
        *("\u00a012", "\u20097", "\uff11\uff12", "\u0663", "12\u00a0"),
        *(None, True, False, [5], {"a": 5}),
    ],
)
def test_no_double(value: Any) -> None:
    """What `Double.valueOf` refuses, and values that are neither number nor text, are 0."""
    assert java.double(value) == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, True), ("", True), (" \t\n\x00\x1f", True), ("\u00a0", False), (" a ", False)],
)
def test_blank(value: str | None, expected: bool) -> None:
    """Characters up to U+0020 are blank; a no-break space is not."""
    assert java.is_blank(value) is expected


@pytest.mark.parametrize(
    ("value", "default", "expected"),
    [
        *((True, False, True), (False, True, False)),
        *(
            ("TRUE", False, True),
            ("true", False, True),
            ("yes", True, False),
            (" true", True, False),
        ),
        *(("", True, False), (1, False, False), (0, True, True), (None, True, True)),
        *(([], True, True), ({"x": False}, True, True)),
    ],
)
def test_boolean(value: Any, default: bool, expected: bool) -> None:
    """Text is true only as `true` in any case; what is neither text nor boolean is the default."""
    assert java.boolean(value, default) is expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["a"], ["a"]),
        # Characters hash to their code: b (98) and a (97) lie in slots 2 and 1 of 4.
        (["b", "a"], ["a", "b"]),
        # Four entries are more than three quarters of four slots: the table has eight.
        (["d", "c", "b", "a"], ["a", "b", "c", "d"]),
        (["h", "a", "i"], ["h", "a", "i"]),
        # "Aa" and "BB" have the same hash: the order of the list counts.
        (["BB", "Aa"], ["BB", "Aa"]),
        (["Aa", "BB"], ["Aa", "BB"]),
        # A repeated name is one entry, but the table is made for the length of the list.
        (["a", "a", "a", "a", "d", "h"], ["h", "a", "d"]),
        (["a", None], [None, "a"]),
        (["email", "$email"], ["$email", "email"]),
        (["x", "username", "$username"], ["x", "username", "$username"]),
    ],
)
def test_set_order(names: list[str | None], expected: list[str | None]) -> None:
    """A set yields names by slot of its table, and within a slot in the order of the list."""
    assert java.set_order(names) == expected


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", 0),
        ("a", 97),
        ("hello", 99162322),
        ("polygenelubricants", 2**31),
        ("\U0001f6b2", 31 * 0xD83D + 0xDEB2),
    ],
)
def test_hash_code(name: str, code: int) -> None:
    """`String.hashCode`, as an unsigned number; two code units outside the basic plane."""
    assert java._hash_code(name) == code
