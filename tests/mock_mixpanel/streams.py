"""Streams of records for property tests, and the resulting state."""

from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend

NOW = 1_000_000
MODES = ("legacy", "original", "simplified")

VALUES = st.one_of(st.integers(-3, 3), st.sampled_from(["x", "y", True, None, 0.5]))
NAMES = st.sampled_from(["n", "l", "s"])
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=2)
LISTS = st.dictionaries(NAMES, st.lists(VALUES, max_size=3), max_size=2)

OPERATIONS = st.fixed_dictionaries(
    {},
    optional={
        "$set": st.one_of(OBJECTS, LISTS, VALUES),
        "$set_once": OBJECTS,
        "$add": OBJECTS,
        "$union": st.one_of(LISTS, OBJECTS),
        "$append": OBJECTS,
        "$remove": OBJECTS,
        "$unset": st.lists(NAMES, max_size=2),
        "$delete": st.none(),
        "$time": st.sampled_from([NOW - 9, (NOW - 5) * 1000, NOW + 1, None, "later"]),
        "$ignore_time": st.booleans(),
        "$ignore_alias": st.booleans(),
    },
)

Record = tuple[str, dict[str, Any]]
"""A path and what is posted to it."""


def ids_of(person: int) -> list[str]:
    """The ids that only one person uses."""
    devices = [str(UUID(int=16 * person + number, version=4)) for number in (1, 2)]
    return [f"user-{person}", f"other-{person}", devices[0], f"$device:{devices[1]}"]


def event(name: str, properties: dict[str, Any]) -> Record:
    return "/import", {"event": name, "properties": {"token": "T", **properties}}


def records(ids: list[str]) -> st.SearchStrategy[Record]:
    """Anything that people with these ids may send."""
    who = st.sampled_from(ids)
    devices = st.sampled_from([each.removeprefix("$device:") for each in ids if "-4" in each])
    events = st.builds(
        lambda who, time, insert_id, more: event(
            "E", {"distinct_id": who, "time": time, "$insert_id": insert_id, **more}
        ),
        who,
        st.sampled_from([None, 999_000, 999_999, 5, "bad"]),
        st.sampled_from([None, "i", "j"]),
        st.fixed_dictionaries({}, optional={"$user_id": who, "$device_id": devices}),
    )
    links = st.one_of(
        st.builds(
            lambda new, old: event("$create_alias", {"alias": new, "distinct_id": old}), who, who
        ),
        st.builds(
            lambda new, old: event("$identify", {"$identified_id": new, "$anon_id": old}), who, who
        ),
        st.builds(lambda one, other: event("$merge", {"$distinct_ids": [one, other]}), who, who),
    )
    profiles = st.builds(
        lambda who, operations: ("/engage", {"$token": "T", "$distinct_id": who, **operations}),
        who,
        OPERATIONS,
    )
    groups = st.builds(
        lambda who, operations: (
            "/groups",
            {"$token": "T", "$group_key": "company", "$group_id": who, **operations},
        ),
        who,
        OPERATIONS,
    )
    return st.one_of(events, links, profiles, groups)


class Mock:
    """A mock in this process, at a frozen time, with one project that has a delay."""

    def __init__(self, identity: str, **options: Any) -> None:
        self.backend = Backend()
        self.backend.change_project("T", {"alias_delay": 2, "identity": identity, **options})
        self.backend.clock.change(now=NOW, freeze=True)
        self._client = create_app(backend=self.backend).test_client()

    def send(self, record: Record) -> None:
        path, content = record
        self._client.post(path, json=content)

    def advance(self, seconds: float) -> None:
        self.backend.clock.change(advance=seconds)

    def at(self, seconds: float) -> None:
        """Set the clock to so many seconds after the start."""
        self.backend.clock.change(now=NOW + seconds)

    def get(self, name: str, **query: Any) -> Any:
        """A list of the control API."""
        return self._client.get(f"/_mock/{name}", query_string=query or None).json

    def state(self) -> dict[str, Any]:
        """Everything that can be read."""
        lists = ["events", "events?raw=1", "profiles", "groups", "rejected", "identities"]
        return {name: self.get(name) for name in [*lists, "requests"]}
