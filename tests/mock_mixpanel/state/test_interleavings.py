"""What different people do is independent: only the order of each one's own records counts."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mock_mixpanel.streams import MODES, Mock, Record, ids_of, records
from tests.thorough import times

PEOPLE = (1, 2, 3)


@st.composite
def traffic(draw: st.DrawFn) -> list[list[tuple[int, Record]]]:
    """Some seconds of traffic, each as the records of each person, marked by a number."""
    seconds = []
    for second in range(draw(st.integers(1, 4))):
        sent: list[tuple[int, Record]] = []
        for person in PEOPLE:
            for number, (path, record) in enumerate(
                draw(st.lists(records(ids_of(person)), max_size=4))
            ):
                mark = {"mark": f"{second}/{person}/{number}"}
                if path == "/import":
                    record = {**record, "properties": record["properties"] | mark}
                sent.append((person, (path, record | mark)))
        seconds.append(sent)
    return seconds


def shuffled(data: st.DataObject, sent: list[tuple[int, Record]]) -> list[Record]:
    """The records of one second in another order that keeps each person's."""
    order = data.draw(st.permutations([person for person, _ in sent]))
    left = {person: [record for who, record in sent if who == person] for person in PEOPLE}
    return [left[person].pop(0) for person in order]


def view(state: dict[str, Any]) -> dict[str, Any]:
    """A state without the numbers of records, and without the order of different people."""
    requests = {
        verdict_id: payload["mark"]
        for verdict_id, payload in enumerate(
            (record for request in state["requests"] for record in request["payload"]), start=1
        )
    }
    identities = state["identities"]
    events = [
        {
            name: value
            for name, value in each.items()
            if name not in ("id", "insert_id", "request_id")
        }
        for each in state["events"]
    ]
    return {
        "events": by_text(events),
        "profiles": by_text(state["profiles"]),
        "groups": by_text(state["groups"]),
        "rejected": by_text([(each["record"], each["reasons"]) for each in state["rejected"]]),
        "clusters": by_text(
            [(each["canonical"], sorted(each["ids"])) for each in identities["clusters"]]
        ),
        "pending": by_text(identities["pending_aliases"]),
        "splits": by_text(
            [
                (
                    each["alias"],
                    each["distinct_id"],
                    [requests[cause["id"]] for cause in each["causes"]],
                )
                for each in identities["split_profiles"]
            ]
        ),
        "duplicates": by_text([each["distinct_ids"] for each in identities["duplicate_profiles"]]),
    }


NUMBERED = ("id", "insert_id", "request_id")


def by_text(items: list[Any]) -> Counter[str]:
    return Counter(map(repr, map(in_order, items)))


def in_order(value: Any) -> Any:
    """Members of objects in one order; that of lists is kept."""
    if isinstance(value, dict):
        return sorted((name, in_order(each)) for name, each in value.items())
    return [in_order(each) for each in value] if isinstance(value, list | tuple) else value


def run(mock: Mock, seconds: list[list[Record]]) -> list[dict[str, Any]]:
    """The views after each second, and when everything has taken effect."""
    views = []
    for sent in seconds:
        for record in sent:
            mock.send(record)
        views.append(view(mock.state()))
        mock.advance(1)
    mock.advance(60)
    return [*views, view(mock.state())]


@pytest.mark.parametrize("identity", MODES)
@settings(max_examples=times(4, 40), deadline=None)
@given(seconds=traffic(), data=st.data())
def test_any_interleaving(
    identity: str, seconds: list[list[tuple[int, Record]]], data: st.DataObject
) -> None:
    """In any order that keeps each person's, the same state comes out at each moment."""
    one_by_one = [[record for _, record in sent] for sent in seconds]
    interleaved = [shuffled(data, sent) for sent in seconds]
    assert run(Mock(identity), one_by_one) == run(Mock(identity), interleaved)
