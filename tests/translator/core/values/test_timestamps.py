from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translator.core.values.timestamps import (
    _any_iso_to_ms,
    iso_milliseconds,
    iso_seconds,
    iso_to_ms,
    parse,
    to_ms,
    utc_milliseconds_to_ms,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-06-15T11:59:21.750Z", "2026-06-15T11:59:21.750Z"),
        ("2026-06-15T11:59:21Z", "2026-06-15T11:59:21.000Z"),
        ("2026-06-15T11:59:21.050Z", "2026-06-15T11:59:21.050Z"),
        ("2026-06-15T11:59:21.1239999Z", "2026-06-15T11:59:21.123Z"),
        ("2026-06-15T13:59:21+02:00", "2026-06-15T11:59:21.000Z"),
        ("2026-06-15T13:59:21.5-0230", "2026-06-15T16:29:21.500Z"),
        ("2026-06-15 11:59:21", "2026-06-15T11:59:21.000Z"),
        ("2026-06-15", "2026-06-15T00:00:00.000Z"),
        ("2026-06", "2026-06-01T00:00:00.000Z"),
        ("20260615", "2026-06-15T00:00:00.000Z"),
        ("4/5/2023", "2023-04-05T00:00:00.000Z"),
        ("4/5/2023 13:02", "2023-04-05T13:02:00.000Z"),
        ("4/5/2023 13:02:03", "2023-04-05T13:02:03.000Z"),
        ("4/5/2023 1:02 PM", "2023-04-05T13:02:00.000Z"),
        ("4/5/2023 1:02:03 PM", "2023-04-05T13:02:03.000Z"),
        ("4/5/2023, 1:02:03 PM", "2023-04-05T13:02:03.000Z"),
        ("2023/4/5", "2023-04-05T00:00:00.000Z"),
        ("2023/4/5 13:02", "2023-04-05T13:02:00.000Z"),
        ("2023/4/5 13:02:03", "2023-04-05T13:02:03.000Z"),
        ("April 5, 2023", "2023-04-05T00:00:00.000Z"),
        ("Apr 5, 2023", "2023-04-05T00:00:00.000Z"),
        ("April 5, 2023 13:02:03", "2023-04-05T13:02:03.000Z"),
        ("5 April 2023", "2023-04-05T00:00:00.000Z"),
        ("5 Apr 2023", "2023-04-05T00:00:00.000Z"),
        ("Wed Apr 05 2023", "2023-04-05T00:00:00.000Z"),
        ("Wed, 05 Apr 2023 13:02:03 +0200", "2023-04-05T11:02:03.000Z"),
        ("Wed, 05 Apr 2023 13:02:03 +02:00", "2023-04-05T11:02:03.000Z"),
        ("Wed, 05 Apr 2023 13:02:03 Z", "2023-04-05T13:02:03.000Z"),
        ("Wed Apr 05 2023 13:02:03 GMT-02:00", "2023-04-05T15:02:03.000Z"),
        ("Mon, 15 Jun 2026 11:59:21 GMT", "2026-06-15T11:59:21.000Z"),
        ("Mon Jun 15 2026 13:59:21 GMT+0200 (CEST)", "2026-06-15T11:59:21.000Z"),
        (1781524761, "2026-06-15T11:59:21.000Z"),
        (1781524761.75, "2026-06-15T11:59:21.750Z"),
        (1781524761750, "2026-06-15T11:59:21.750Z"),
        ("1781524761", "2026-06-15T11:59:21.000Z"),
        ("1781524761750", "2026-06-15T11:59:21.750Z"),
        (0, "1970-01-01T00:00:00.000Z"),
    ],
)
def test_times_that_people_send_are_read(value: object, expected: str) -> None:
    """ISO 8601, unix seconds and milliseconds, and what browsers write, are all read."""
    ms = parse(value)
    assert ms is not None
    assert iso_milliseconds(ms) == expected


@pytest.mark.parametrize(
    "value",
    [
        *("2026-06-15T12:00:00+99:99", "2026-06-15T12:00:00-24:00", "2026-06-15T12:00+0060"),
        *("junk", "", "2026-02-31", "2026-13-01T00:00:00.000Z", "yesterday", None, [], {}),
        *("2026-06-15T24:00:00.000Z", "2026-W25-1T11:59:21.750Z", "4/5/2023 1", "Apr 5 2023 13:02"),
        *(1e18, -1e18, -1e308, "9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"),
        *("Fri Dec 31 9999 23:59:59 GMT-0500", "1" * 5000, "(" * 1_000_000, " " * 1_000_000 + "x"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_time_is_not_guessed(value: object) -> None:
    """An impossible or unreadable time is None, not a nearby one."""
    assert parse(value) is None


@given(st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z"))
def test_the_usual_form_is_read_as_any_form(text: str) -> None:
    """The form of nearly all timestamps has a parser of its own, with the general one's result."""
    longer = text.removesuffix("Z") + "0Z"  # the same time in a form for the general parser
    assert utc_milliseconds_to_ms(longer) is None
    assert utc_milliseconds_to_ms(text) == _any_iso_to_ms(longer) == iso_to_ms(longer)
    assert iso_milliseconds(parse(text) or 0) == text


ISO_FORMS = (
    "2026-06-15T11:59:21.750Z",
    "2026-06-15T11:59:21Z",
    "2026-06-15T11:59:21",
    "0001-01-01T01:59:59.123456+02:00",
    "9999-12-31T23:30:00,5-0530",
    "2026-06-15",
)


@given(st.sampled_from(ISO_FORMS), st.integers(0, 31), st.sampled_from("0159-:+.,TWZ \u0663x"))
def test_a_damaged_usual_form_is_read_as_any_form(form: str, position: int, character: str) -> None:
    """A text that is nearly in a usual form gives what the general parser gives."""
    for text in (form, form[:position] + character + form[position + 1 :]):
        assert iso_to_ms(text) == _any_iso_to_ms(text)


def test_seconds_are_floored() -> None:
    """The form of profile dates cuts the fraction."""
    assert iso_seconds(1_781_521_200_999) == "2026-06-15T11:00:00"


def test_a_naive_moment_is_refused() -> None:
    """A datetime without a zone would mean another moment on every machine."""
    assert to_ms(datetime(2026, 6, 15, 12, tzinfo=UTC)) == 1_781_524_800_000
    with pytest.raises(ValueError, match="aware"):
        to_ms(datetime(2026, 6, 15, 12))
