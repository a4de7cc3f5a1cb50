"""The contents of a Mixpanel project: events, people, profiles and groups."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.runner.mock import Mock
from conformance.spec.scenarios.loading import Json

IDENTITY_EVENTS = ("$identify", "$create_alias", "$merge")
"""Events that join ids; they are compared by the resulting people."""

_DEVICE = "$device:"


@dataclass(frozen=True)
class Contents:
    """The contents of a project.

    `people` maps each id to all ids of its person, and `canonical` to the one that Mixpanel knows
    the person by; an id alone is in neither. `profiles` has one entry for each
    profile: its id and properties. `groups` maps (group key, group id) to its properties.
    """

    events: tuple[Json, ...]
    people: Mapping[str, frozenset[str]]
    canonical: Mapping[str, str]
    profiles: Mapping[str, Json]
    groups: Mapping[tuple[str, str], Json]

    def person(self, distinct_id: Any) -> frozenset[str]:
        """All ids of the person with this id."""
        name = plain_id(distinct_id)
        return self.people.get(name, frozenset([name]))

    def as_json(self) -> Json:
        """The contents for a report."""
        clusters = set(self.people.values())
        return {
            "events": list(self.events),
            "people": sorted(sorted(ids) for ids in clusters),
            "profiles": dict(self.profiles),
            "groups": {f"{key} {name}": value for (key, name), value in self.groups.items()},
        }


def read_contents(mock: Mock, token: str) -> Contents:
    """The contents of the project of a token, in any region."""
    identities = mock.state("identities", token)
    return Contents(
        tuple(_event(each) for each in mock.state("events", token)),
        _people(cluster["ids"] for cluster in identities["clusters"]),
        {
            plain_id(each): plain_id(cluster["canonical"])
            for cluster in identities["clusters"]
            for each in cluster["ids"]
        },
        {
            plain_id(each["distinct_id"]): each["properties"]
            for each in mock.state("profiles", token)
        },
        {
            (str(each["group_key"]), str(each["group_id"])): each["properties"]
            for each in mock.state("groups", token)
        },
    )


def plain_id(distinct_id: Any) -> str:
    """An id as text, without the prefix that Simplified ID Merge gives ids of devices."""
    return str(distinct_id).removeprefix(_DEVICE)


def _event(event: Json) -> Json:
    return {
        "event": event["event"],
        "person": plain_id(event["distinct_id"]),
        "time": event["time"],
        "region": event["region"],
        "properties": event["properties"],
    }


def _people(clusters: Iterable[Iterable[Any]]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for cluster in clusters:
        ids = frozenset(map(plain_id, cluster))
        if len(ids) > 1:
            found |= dict.fromkeys(ids, ids)
    return found
