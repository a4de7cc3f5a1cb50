"""Each record that the fast check accepts passes the full check too."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_mixpanel.ingest.decoding.shallow_json import parse_shallow
from mock_mixpanel.ingest.tokens import shared_token
from mock_mixpanel.ingest.verdicts import fast_path
from mock_mixpanel.ingest.verdicts.fast_path import CHECKED_TOGETHER, LONGER, plain_check
from mock_mixpanel.ingest.verdicts.validation import (
    bucket_note,
    event_problems,
    identity_note,
    size_note,
)
from mock_mixpanel.projects.config import IDENTITY_MODES, MixpanelLimits

NOW = 1_781_524_800.0
TIGHT = MixpanelLimits(
    properties=4, elements=2, keys=2, depth=1, property_bytes=40, record_bytes=200, track_age=1000
)
TIMES = st.sampled_from(
    [None, NOW, NOW - 999, NOW - 1001, NOW + 5, NOW + 9999, NOW * 1000, -5, 10**400, True, "x", 5.5]
)
SCALARS = st.sampled_from([None, True, 0, 1.5, "", "x" * 50, "\ud800", 2**70])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "token": st.sampled_from(["T", "", 5]),
        "time": TIMES,
        "$bucket": SCALARS,
        "$ignore": st.sampled_from([True, False, "yes", None]),
        "distinct_id": st.sampled_from(["ann", "null", "", 0, None]),
        "$insert_id": st.sampled_from(["a-1", "a b", "x" * 37, "", None, 7]),
        "a": VALUES,
        "b": VALUES,
    },
)
RECORDS = st.one_of(
    VALUES,
    st.fixed_dictionaries(
        {},
        optional={
            "event": st.sampled_from(["A", "", None, "$identify", "$merge", "$create_alias", 5]),
            "properties": PROPERTIES | VALUES,
        },
    ),
)
KINDS = [("/track", False), ("/import", False), ("/import", True)]


@pytest.mark.parametrize(("endpoint", "strict"), KINDS)
@pytest.mark.parametrize("limits", [MixpanelLimits(), TIGHT], ids=["default", "tight"])
@given(record=RECORDS)
def test_plain_is_without_fault(
    endpoint: str, strict: bool, limits: MixpanelLimits, record: Any
) -> None:
    """Nothing is plain that has a problem or deserves a note, under any identity mode."""
    if is_plain(record, endpoint, limits, strict=strict):
        assert list(event_problems(record, endpoint, NOW, limits, strict=strict)) == []
        assert [identity_note(record, mode) for mode in IDENTITY_MODES] == [None] * 3
        assert None is size_note(record["properties"], limits)
        assert None is bucket_note(record["properties"])


@pytest.mark.parametrize(("endpoint", "strict"), KINDS)
def test_usual_events_are_plain(endpoint: str, strict: bool) -> None:
    """A usual event of a client takes the fast path, so that path is really used."""
    properties = {
        "token": "T",
        "distinct_id": "ann",
        "$insert_id": "00000000-0000-4000-8000-000000000001",
        "time": NOW - 60,
        "total": 12.5,
        "new": True,
        "coupon": None,
        "items": [1, 2, 3],
        "address": {"city": "Berlin"},
    }
    record = {"event": "Order Completed", "properties": properties}
    assert is_plain(record, endpoint, MixpanelLimits(), strict=strict) is True


def is_plain(record: Any, endpoint: str, limits: MixpanelLimits, *, strict: bool) -> bool:
    """Whether a record that was sent alone takes the fast path."""
    check = plain_check(endpoint, limits, strict=strict)
    records = parse_shallow(json.dumps([record]).encode())
    if check is None or records is None or (endpoint == "/track" and not shared_token(records)):
        return False
    return check.each(records, NOW) == [True]


@pytest.mark.parametrize(("endpoint", "strict"), KINDS)
@given(records=st.lists(RECORDS.filter(lambda record: isinstance(record, dict)), max_size=5))
def test_plain_together(endpoint: str, strict: bool, records: list[Any]) -> None:
    """The check of many records has the results of the checks of each."""
    check = plain_check(endpoint, MixpanelLimits(), strict=strict)
    assert check
    many = (records * 10)[: 2 * CHECKED_TOGETHER + 1]
    some = [each for each in many if parse_shallow(json.dumps(each).encode()) is not None]
    assert check.each(some, NOW) == [check.all([each], NOW) for each in some]


@pytest.mark.parametrize("place", [0, CHECKED_TOGETHER - 1, CHECKED_TOGETHER, 40])
def test_large_record_among_small_ones(place: int) -> None:
    """Only the record that is too large for the fast check fails it, wherever it is."""
    limits = MixpanelLimits()
    check = plain_check("/track", limits)
    assert check
    properties = {"token": "T", "distinct_id": "ann"}
    records = [{"event": "A", "properties": properties} for _ in range(41)]
    large = properties | {"items": ["x" * limits.property_bytes]}
    records[place] = {"event": "A", "properties": large}
    assert check.each(records, NOW) == [index != place for index in range(41)]


def one_event(value: str, key: str = '"event"') -> str:
    """The text of an event with this JSON text as a property."""
    return f'{{{key}:"A","properties":{{"token":"T","distinct_id":"u","a":{value}}}}}'


ESCAPED = r'"\u0065vent"'
LARGE: dict[str, tuple[str, MixpanelLimits]] = {
    "a property of numbers that are printed longer": (
        one_event("[" + ",".join(["1e15"] * 100) + "]"),
        MixpanelLimits(property_bytes=1800),
    ),
    "a property of objects with the key event": (
        one_event("[" + ",".join([json.dumps({"event": "y" * 50})] * 12) + "]"),
        MixpanelLimits(property_bytes=700),
    ),
    "a property with texts that end like the key, behind escaped keys": (
        ",".join(
            [
                one_event("[" + ",".join([json.dumps("y" * 800 + '"event')] * 12) + "]", ESCAPED),
                *[one_event("1", ESCAPED)] * 11,
            ]
        ),
        MixpanelLimits(property_bytes=5000),
    ),
    "a record whose properties are not large": (
        one_event('"' + "y" * 600 + '"'),
        MixpanelLimits(record_bytes=500),
    ),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_is_large_is_found_in_the_text(name: str) -> None:
    """The text of a large event or property is not taken for one of small ones."""
    events, limits = LARGE[name]
    text = f"[{events}]".encode()
    records, check = parse_shallow(text), plain_check("/track", limits)
    assert check
    assert check.all(records, NOW, "T", text) is False
    usual = plain_check("/track", MixpanelLimits(property_bytes=20_000))
    assert usual
    assert usual.all(records, NOW, "T", text) is True


NUMBERS = ["1e15", "-9e15", "0.1e16", "1E9", "5e-324", "1e22", "1e-7", "0.00001", "-0", "1.0"]


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_become_only_so_much_longer(text: str) -> None:
    """A number and the comma behind it are printed in at most LONGER times their bytes."""
    assert len(orjson.dumps(orjson.loads(text))) + 1 <= LONGER * (len(text) + 1)


def test_an_event_among_others_is_known_by_the_text() -> None:
    """The text shows the size of usual events; the records are not printed."""
    check = plain_check("/track", MixpanelLimits())
    assert check
    record = {"event": "A", "properties": {"token": "T", "distinct_id": "u", "items": ["x" * 1500]}}
    text = json.dumps([record] * 20).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_path, "dumps", None)
        assert check.all([record] * 20, NOW, "T", text) is True
