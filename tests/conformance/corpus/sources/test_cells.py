"""Cells are read by the type that the mapping file names, or refused."""

import json
import math
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.corpus.sources.cells import READERS


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        *(("text", 1.5, "1.5"), ("text", True, "true"), ("text", [1], "[1]")),
        *(("integer", " -12 ", -12), ("integer", 3.0, 3), ("integer", "9" * 30, int("9" * 30))),
        *(("number", "1e3", 1000.0), ("number", "7", 7), ("number", 7, 7)),
        *(("boolean", "T", True), ("boolean", "0", False), ("boolean", True, True)),
        ("time", "2026-06-15T12:00:00Z", "2026-06-15T12:00:00.000Z"),
        ("time", "2026-06-15 12:00:00.123456 UTC", "2026-06-15T12:00:00.123Z"),
        ("time", "2026-06-15 12:00:00.000 -0800", "2026-06-15T20:00:00.000Z"),
        ("time", "2026-06-15 12:00:00 +05:30", "2026-06-15T06:30:00.000Z"),
        ("time", "2026-06-15", "2026-06-15T00:00:00.000Z"),
        ("seconds", "1781524800.5", "2026-06-15T12:00:00.500Z"),
        ("milliseconds", -1000, "1969-12-31T23:59:59.000Z"),
        *(("json", '{"a": [1]}', {"a": [1]}), ("json", {"a": 1}, {"a": 1})),
        ("json", "[123456789012345678901]", [123456789012345678901]),
        *(("auto", "1.50", 1.5), ("auto", "01", "01"), ("auto", "False", "False")),
        *(("auto", "false", False), ("auto", "+1", "+1"), ("auto", "NaN", "NaN")),
        ("auto", "12345678901234567890", "12345678901234567890"),
    ],
)
def test_values(kind: str, cell: Any, value: Any) -> None:
    """A cell has one value for each type."""
    found = READERS[kind](cell)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        *(("integer", "1.5"), ("integer", "1_000"), ("integer", 1.5), ("integer", True)),
        *(("integer", math.inf), ("integer", "9" * 5000), ("integer", [1])),
        *(("number", "1_0"), ("number", "inf"), ("number", "nan"), ("number", ""), ("number", {})),
        *(("boolean", "maybe"), ("boolean", 2)),
        *(("time", "12:00"), ("time", "2026-02-30"), ("time", 5), ("time", "0001-01-01 00:00+14")),
        *(("seconds", "soon"), ("seconds", 1e300), ("milliseconds", "")),
        *(("json", "{"), ("json", "NaN"), ("auto", "1e999")),
    ],
)
def test_refused_values(kind: str, cell: Any) -> None:
    """A cell of another type is refused."""
    with pytest.raises((ValueError, TypeError, OverflowError)):
        READERS[kind](cell)


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES))
def test_times_are_the_same_moment(moment: datetime) -> None:
    """A time in any zone becomes the same moment in UTC, cut to milliseconds."""
    found = READERS["time"](moment.isoformat(sep=" "))
    assert found.endswith("Z")
    difference = moment - datetime.fromisoformat(found)
    assert timedelta() <= difference < timedelta(milliseconds=1)


@given(st.one_of(st.text(), st.integers().map(str), st.floats().map(str)))
def test_auto_keeps_what_it_does_not_know(cell: str) -> None:
    """A text stays, or becomes a JSON value that the same text means."""
    try:
        found = READERS["auto"](cell)
    except ValueError:
        assert not math.isfinite(float(cell))
    else:
        assert found == cell or json.loads(cell) == found
