"""Histories of profiles: each page and each late update costs as much as it shows or changes."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_mixpanel.log.records import LogEntry, RecordVerdict
from mock_mixpanel.projects.limits import MixpanelLimits
from mock_mixpanel.state.findings import Finding
from mock_mixpanel.state.profiles.profile import CHECKPOINT_EVERY, Profile
from mock_mixpanel.state.profiles.profiles import Profiles, UpdateStep

LIMITS = MixpanelLimits()


class Log:
    """Updates by entry id, and how many of them were read."""

    def __init__(self) -> None:
        self.entries: dict[int, LogEntry] = {}
        self.reads = 0

    def read(self, ids: Sequence[int]) -> Iterator[LogEntry]:
        self.reads += len(ids)
        return (self.entries[each] for each in ids if each in self.entries)

    def add(self, **record: Any) -> LogEntry:
        number = len(self.entries) + 1
        at = 1000.0 + number
        verdict = RecordVerdict("/groups", "T", "us", at, at, accepted=True)
        self.entries[number] = LogEntry(record, verdict, number, number)
        return self.entries[number]


def profiles(log: Log) -> tuple[Profiles[str], dict[int, Finding]]:
    findings: dict[int, Finding] = {}
    return Profiles(LIMITS, log.read, findings), findings


def folded(log: Log) -> tuple[Profile | None, list[UpdateStep], dict[int, Finding]]:
    """The profile, its history and the findings if all updates arrive in the order they apply."""
    found, findings = profiles(log)

    def place(entry: LogEntry) -> tuple[float, int]:
        arrival = entry.verdict.received_at
        return min(entry.record.get("$time", arrival), arrival), entry.id

    for entry in sorted(log.entries.values(), key=place):
        found.update("a", entry)
    return found.get("a"), list(found.replay("a", 0, len(log.entries))), findings


UPDATES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                {"$set": {"n": 1, "a": 2}},
                {"$add": {"n": 2}},
                {"$add": {"list": 1}},
                {"$append": {"list": 3}},
                {"$unset": ["n"]},
                {"$set": {"a": 2}},
                {"$delete": ""},
            ]
        ),
        st.none() | st.integers(1, 1100),
        st.sampled_from("ab"),
    ),
    max_size=30,
)


@given(UPDATES, st.integers(0, 30), st.booleans())
def test_any_order_of_arrival_and_any_page(
    sent: list[tuple[dict[str, Any], int | None, str]], first: int, reads_between: bool
) -> None:
    """Late updates, merges and pages give what the updates give in the order they apply."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mock_mixpanel.state.profiles.profile.CHECKPOINT_EVERY", 4)
        log = Log()
        found, findings = profiles(log)
        for record, time, key in sent:
            found.update(key, log.add(**record, **({} if time is None else {"$time": time})))
            if reads_between:
                found.settle()
        found.merge("b", "a")
        found.settle()
        profile, steps, refused = folded(log)
        assert found.get("a") == profile
        assert findings == refused
        assert list(found.replay("a", first, first + 7)) == steps[first : first + 7]


@pytest.fixture
def long() -> tuple[Profiles[str], Log]:
    """A profile with 1,000 updates."""
    log = Log()
    found, _ = profiles(log)
    for _ in range(1000):
        found.update("a", log.add(**{"$add": {"n": 1}}))
    return found, log


@pytest.mark.parametrize("first", [0, 31, 500, 980])
def test_a_page_reads_the_updates_since_a_checkpoint(
    long: tuple[Profiles[str], Log], first: int
) -> None:
    """A page of 20 updates reads these and those since the checkpoint before them."""
    found, log = long
    steps = list(found.replay("a", first, first + 20))
    assert [each.after for each in steps] == [{"n": first + 1 + each} for each in range(20)]
    assert log.reads == 20 + first % CHECKPOINT_EVERY


def test_a_late_update_reads_the_updates_since_a_checkpoint(
    long: tuple[Profiles[str], Log],
) -> None:
    """An update that belongs before the last ten is applied with them and a few before."""
    found, log = long
    found.update("a", log.add(**{"$add": {"n": 1}, "$time": 1990.5}))
    found.settle()
    profile = found.get("a")
    assert profile is not None
    assert (profile.properties, log.reads) == (
        {"n": 1001},
        1001 - 990 // CHECKPOINT_EVERY * CHECKPOINT_EVERY,
    )
