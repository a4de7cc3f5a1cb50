"""Dates in the formats of browsers: `strptime` of Python, in its locale C, is the reference."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translator.core.values.date_formats import _FORMATS, parse_other_format

OFFSETS = ["+0200", "-02:30", "+02:00:30", "+020030", "Z", "z", "+2400", "+0260", "0200"]


def by_strptime(text: str) -> datetime | None:
    """The time by the first format that `strptime` can read."""
    for pattern in _FORMATS:
        try:
            moment = datetime.strptime(text, pattern)
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A text in one of the formats, with an offset that may be wrong."""
    moment = draw(st.datetimes(min_value=datetime(1000, 1, 1)))
    pattern = draw(st.sampled_from(_FORMATS)).replace("%z", draw(st.sampled_from(OFFSETS)))
    text = moment.strftime(pattern)
    if draw(st.booleans()):  # browsers write 4/5/2023, without zeros
        text = re.sub(r"\b0(?=\d)", "", text)
    return draw(st.sampled_from([text, text.upper(), text.lower()]))


@given(texts())
def test_every_format_is_read_like_strptime(text: str) -> None:
    """A text in a known format gives the time that `strptime` gives."""
    assert parse_other_format(text) == by_strptime(text)


@given(texts(), st.integers(0, 40), st.sampled_from("0123456789 :/,+-ZAPM\u202f\u0663\xa0se"))
def test_a_damaged_text_is_read_like_strptime(text: str, place: int, character: str) -> None:
    """A text that is nearly in a known format is refused where `strptime` refuses it."""
    damaged = text[:place] + character + text[place + 1 :]
    assert parse_other_format(damaged) == by_strptime(damaged)


@pytest.mark.parametrize("text", ["\u017fep 5, 2023", "5 \u017fep 2023"])
def test_a_month_in_other_letters_is_refused(text: str) -> None:
    """The letter `\u017f` equals `s` where upper and lower case are the same; it names no month."""
    assert parse_other_format(text) is None
