"""Objective-C's conversions. Expectations are those of recorded sessions."""

from typing import Any

import pytest

from translator.device.mobile import objective_c


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ""),
        ("Rooms", "Rooms"),
        (None, "<null>"),
        (True, "1"),
        (False, "0"),
        (0, "0"),
        (-3, "-3"),
        (1.5, "1.5"),
        (0.1, "0.1"),
        (5.0, "5"),
        (1e21, "1e+21"),
    ],
)
def test_description(value: Any, expected: str) -> None:
    """`%@` of text, null, booleans and numbers."""
    assert objective_c.description(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12.75", 12.75),
        ("30", 30),
        ("1,249.90", 1249.9),
        ("1,234,567", 1234567),
        ("-8", -8),
        (".5", 0.5),
        ("5.", 5),
        ("0.0", 0),
        ("1e3", 1000),
    ],
)
def test_decimal(value: str, expected: float) -> None:
    """Text that a decimal formatter reads in the locale en_US."""
    assert objective_c.decimal(value) == expected


@pytest.mark.parametrize(
    "value", ["", "$12", "lots", "1,24", "(5)", " 8", "+8", "EUR 5", "-", ".", "1e", "1,2345", "8 "]
)
def test_no_decimal(value: str) -> None:
    """Text that the formatter does not read."""
    assert objective_c.decimal(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((True, True), (False, False), (0, False), (1, True), (-2, True), (0.0, False)),
        *(("YES", True), ("true", True), ("no", False), ("0", False), ("+001", True), ("", False)),
        *((None, True), ({}, True), ([], True)),
    ],
)
def test_truth(value: Any, expected: bool) -> None:
    """`boolValue` of numbers and text; other values count as true."""
    assert objective_c.truth(value) is expected
