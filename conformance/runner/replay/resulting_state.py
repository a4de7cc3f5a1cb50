"""The state of the mock after a scenario: events, profiles, groups, identities, refusals."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from conformance.runner.compare import Difference, compare, compare_sequence
from conformance.runner.mock import Mock
from conformance.spec.scenarios.loading import Json, Scenario
from conformance.spec.scenarios.placeholders import Placeholders


def sections(scenario: Scenario) -> Json:
    """The sections in which a scenario is compared, each with its expected value."""
    return {"rejected": [], **scenario.expect.state}


def held(scenario: Scenario, mock: Mock) -> Json:
    """The contents of the mock, in the sections and the notation of the scenario."""
    token = scenario.settings["token"]
    views: Json = {}
    for section, wanted in sections(scenario).items():
        if section == "rejected":
            views[section] = [
                {"endpoint": item["endpoint"], "reasons": [*map(_unnumbered, item["reasons"])]}
                for item in mock.rejected()
            ]
        elif section == "events":
            views[section] = _event_views(wanted, mock.state(section, token))
        else:
            views[section] = _VIEWS[section](mock.state(section, token))
    return views


def compare_state(scenario: Scenario, state: Json, placeholders: Placeholders) -> list[Difference]:
    """The differences between the sections."""
    differences: list[Difference] = []
    for section, wanted in sections(scenario).items():
        path = f"state.{section}"
        if section == "rejected":
            differences += compare_sequence(path, wanted, state[section])
        elif section == "events":
            differences += compare_sequence(path, wanted, state[section], placeholders)
        else:
            whole = _DEFAULTS.get(section, {}) | wanted
            differences += compare(path, whole, state[section])
    return differences


def _unnumbered(reason: str) -> str:
    """A reason without the number of a fault, which counts on from scenario to scenario."""
    return re.sub(r"^fault \d+:", "fault:", reason)


def _event_views(expected: list[Json], events: list[Json]) -> list[Json]:
    """Each event with the keys that the scenario gives for the one at its place."""
    always = {"event", "distinct_id"}
    return [
        {
            key: event[key]
            for key in sorted(always | (expected[index].keys() if index < len(expected) else set()))
        }
        for index, event in enumerate(events)
    ]


def _profiles(profiles: list[Json]) -> Json:
    return {profile["distinct_id"]: profile["properties"] for profile in profiles}


def _groups(groups: list[Json]) -> Json:
    view: Json = {}
    for group in groups:
        view.setdefault(group["group_key"], {})[group["group_id"]] = group["properties"]
    return view


def _identities(identities: Json) -> Json:
    people = [sorted(cluster["ids"]) for cluster in identities["clusters"]]
    return {
        "clusters": sorted(ids for ids in people if len(ids) > 1),
        "split": sorted(split["alias"] for split in identities["split_profiles"]),
    }


_VIEWS: Mapping[str, Callable[[Any], Json]] = {
    "profiles": _profiles,
    "groups": _groups,
    "identities": _identities,
}
_DEFAULTS: Mapping[str, Json] = {"identities": {"clusters": [], "split": []}}
