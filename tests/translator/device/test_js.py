"""JavaScript's values. Expectations were computed by V8."""

import pytest

from translator.device.web import js
from translator.device.web.dates import Date, iso_milliseconds, iso_seconds, json_text, new_date

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        (1.0, 1),
        (2**53 + 1, 2**53),
        (2**60, 1152921504606847000),
        (1.5, 1.5),
        (1e21, 1e21),
    ],
)
def test_numbers_are_doubles(value: float, expected: float) -> None:
    """Whole numbers beyond 2**53 are rounded, and printed as JavaScript prints them."""
    assert repr(expected) == repr(js.number(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (12.5, "12.5"),
        (1e-7, "1e-7"),
        (1e-6, "0.000001"),
        (1e21, "1e+21"),
        (123456789012345680000, "123456789012345680000"),
        ([1, None, ["a", {}]], "1,,a,[object Object]"),
        ({"a": 1}, "[object Object]"),
        (Date(0), "Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)"),
        (Date(None), "Invalid Date"),
    ],
)
def test_text(value: object, expected: str) -> None:
    """`String(value)`."""
    assert js.text(value) == expected


@pytest.mark.parametrize("value", ["", 0, None, False, 0.0])
def test_falsy(value: object) -> None:
    """These are false."""
    assert not js.truthy(value)


@pytest.mark.parametrize("value", ["0", [], {}, Date(None), -1])
def test_truthy(value: object) -> None:
    """These are true, an empty list and a bad date too."""
    assert js.truthy(value)


def test_same() -> None:
    """`===`: no conversion, and objects are equal to themselves only."""
    found = [
        js.same(1, 1.0),
        js.same(1, True),
        js.same("1", 1),
        js.same([], []),
        js.same({}, {}),
    ]
    assert found == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        (1, 2, 3),
        (0, None, 0),
        (0, True, 1),
        (0, "2", "02"),
        (0, [1, 2], "01,2"),
        (0, {}, "0[object Object]"),
        (0.1, 0.2, 0.30000000000000004),
    ],
)
def test_add(one: object, two: object, expected: object) -> None:
    """`+` joins texts and adds numbers."""
    assert js.add(one, two) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12.75 EUR", 12.75),
        ("1,249.90", 1),
        (" 3", 3),
        ("abc", None),
        (".5.6", 0.5),
        ("-2e2x", -200),
    ],
)
def test_parse_float(text: str, expected: float | None) -> None:
    """`parseFloat` reads as much of the start as is a number."""
    assert js.parse_float(text) == expected


def test_texts_are_counted_in_utf_16() -> None:
    """A character beyond U+FFFF counts twice, and may be cut in half."""
    assert js.cut("a\U0001f600", 2) == "a\ud83d"
    assert js.cut("x" * 300, 255) == "x" * 255
    assert js.index("\U0001f600a b", " ") == 3
    assert js.tail("\U0001f600a b", 4) == "b"


def test_keys_that_are_whole_numbers_come_first() -> None:
    """Rising, then the others as they were."""
    value = {"b": 0, "10": 0, "9": 0, "a": 0, "01": 0}
    assert list(js.ordered(value)) == ["9", "10", "b", "a", "01"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-15", "2026-06-15T00:00:00.000Z"),
        ("2026-06-15T10:00:00+02:00", "2026-06-15T08:00:00.000Z"),
        ("2026-06-15T10:00-0530", "2026-06-15T15:30:00.000Z"),
        ("2026-06-15 10:00:00", "2026-06-15T10:00:00.000Z"),
        ("2026-06-15T10:00:00.5Z", "2026-06-15T10:00:00.500Z"),
        ("2026-06-15T10:00:00.123456Z", "2026-06-15T10:00:00.123Z"),
        ("2026-02-31", "2026-03-03T00:00:00.000Z"),
        ("2026-13-01", "2027-01-01T00:00:00.000Z"),
        ("2026-00-00", "2026-01-01T00:00:00.000Z"),
        ("9999-12-32", "10000-01-01T00:00:00.000Z"),
        ("0050-01-01", "1950-01-01T00:00:00.000Z"),
    ],
)
def test_dates_roll_over(text: str, expected: str) -> None:
    """Texts that look like ISO 8601 are dates, even of days that no calendar has."""
    assert iso_milliseconds(js.revive(text)) == expected


@pytest.mark.parametrize("text", ["2026", "2026-06", "20260615", "2026-06-15 or so", "15.6.2026"])
def test_other_texts_stay(text: str) -> None:
    """Only whole texts that start with a day are dates."""
    assert text == js.revive(text)


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        (86_400, DAY_MS),
        (31_557_600_000, 31_557_600_000),
        ("86400000000", 86_400_000_000_000),
        ("1577836800", 1_577_836_800_000),
        ("1577836800000", 1_577_836_800_000),
        ("1970-01-02", DAY_MS),
        ("1971", 365 * DAY_MS),
        ("Jan 2, 1970", DAY_MS),
        ("soon", None),
    ],
)
def test_creation_dates(value: object, ms: int | None) -> None:
    """Seconds, milliseconds, digits, ISO 8601 and what browsers write are read."""
    assert ms == new_date(value).ms


def test_three_ways_to_write_a_date() -> None:
    """The integration, the SDK's profiles and JSON write dates differently."""
    date = Date(1_781_524_800_123)
    assert (iso_milliseconds(date), iso_seconds(date), json_text(date)) == (
        "2026-06-15T12:00:00.123Z",
        "2026-06-15T12:00:00",
        "2026-06-15T12:00:00.123Z",
    )
    assert (
        iso_milliseconds(Date(None)),
        json_text(Date(None)),
    ) == ("NaN-NaN-NaNTNaN:NaN:NaN.NZ", None)
