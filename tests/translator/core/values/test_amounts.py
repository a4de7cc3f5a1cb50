import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translator.core.values.amounts import read_amount


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12.50", 12.5),
        ("1234", 1234),
        ("1.234", 1.234),
        ("1e3", 1000),
        (".5", 0.5),
        ("5.", 5),
        ("+8", 8),
        (" -3 ", -3),
        ("1.234,50", 1234.5),
        ("1,234.50", 1234.5),
        ("1'234.50", 1234.5),
        ("1\u2019234.50", 1234.5),
        ("1 234,50", 1234.5),
        ("1\u202f234,50 €", 1234.5),
        ("1\u00a0234", 1234),
        ("1'234'567", 1234567),
        ("1.234.567", 1234567),
        ("1,234,567", 1234567),
        ("1.234.567,8", 1234567.8),
        ("12,34,567.50", 1234567.5),
        ("12,5", 12.5),
        ("0,125", 0.125),
        ("1234,567", 1234.567),
        ("1,234.567", 1234.567),
        ("12,50 €", 12.5),
        ("€ 12,50", 12.5),
        ("EUR 12,50", 12.5),
        ("12.50eur", 12.5),
        ("US$1,234.50", 1234.5),
        ("-$3", -3),
        ("$-3", -3),
        ("\u22123,5 kr.", -3.5),
        ("$.50", 0.5),
        ("Rs.100", 100),
        ("Rs. 1,23,456", 123456),
        ("100,- Kč", 100),
        ("CHF 100.\u2013", 100),
    ],
)
def test_text_with_one_reading_is_that_amount(text: str, expected: float) -> None:
    """Separators of any country, with or without a currency, give the amount that is displayed."""
    amount = read_amount(text)
    assert amount == expected
    assert type(amount) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        *("1,234", "12.900 €", "$1,234", "1.234 EUR", "EUR 123,456"),
        *("1,2,3", "1.2.3"),
        *("1,23,45", "1.234.56", "1,234.567.8", "12 5", "1'23", "0,123,456", "1,234 567"),
        *("", " ", "free", "-", "$", ".", ",", "€,", "1.5k", "2 Mio", "10 %", "10 pieces"),
        *("2026-04-01", "12:30", "1/2", "10-20", "5 - 7", "$5 to $9", "12.50 + 3"),
        *("1e999", "-1e999", "nan", "Infinity", "0x10", "1_000", "1" * 5000, "\u0661\u0662"),
        *("--3", "+-3", "(3)", "3-", '{"amount":5}', "true", "1.234,50,6"),
    ],
)
def test_text_without_a_reading_or_with_several_is_no_amount(text: str) -> None:
    """What can be read in two ways, or not at all, never becomes a number."""
    assert read_amount(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53))
def test_a_number_written_by_a_program_is_that_number(number: float) -> None:
    """Every number survives its own JSON text."""
    assert read_amount(json.dumps(number)) == number


@given(
    whole=st.integers(0, 10**12),
    cents=st.integers(0, 99),
    style=st.sampled_from([(",", "."), (".", ","), ("'", "."), (" ", ","), ("\u00a0", ",")]),
)
def test_an_amount_with_cents_is_read_in_every_style(
    whole: int, cents: int, style: tuple[str, str]
) -> None:
    """Grouped digits and two decimals have one reading, whatever the separators."""
    group, point = style
    text = f"{whole:,}".replace(",", group) + f"{point}{cents:02}"
    assert read_amount(text) == float(f"{whole}.{cents:02}")
