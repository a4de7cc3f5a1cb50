"""The profile `outcome`: compares the contents of two Mixpanel projects.

Properties beyond the expected ones are allowed unless the scenario forbids them. The times of
events may differ by a second, because translators cut or round them. Dates are compared as moments,
objects also as JSON text, and lists of profiles in any order.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from conformance.runner.compare import Difference, Kind, equal, json_step
from conformance.runner.replay.contents import IDENTITY_EVENTS, Contents
from conformance.spec.envelope import ignored
from conformance.spec.scenarios.loading import Json
from translator.core.values.timestamps import iso_to_ms

ANY_VALUE = frozenset(["$insert_id"])
"""Fields that must be there where a scenario is about them, with any value."""

AS_TEXT = frozenset(["ip", "$ip"])
"""Fields that Mixpanel reads as text: the address `0` is `"0"`."""


def compare_contents(
    scenario_id: str,
    expected: Contents,
    actual: Contents,
    forbidden: Mapping[str, Iterable[str]] = {},
    may_join: Collection[frozenset[str]] = (),
) -> list[Difference]:
    """All differences between the actual and the expected contents.

    `forbidden` maps `events`, `profiles` or `groups` to properties that must not be there.
    `may_join` has pairs of ids that may belong to one person, although they are not expected to.
    """
    of_events = ignored("event", scenario_id)
    of_profiles = ignored("profile", scenario_id)
    return [
        *_people(expected, actual, may_join),
        *_events(expected, actual, of_events, frozenset(forbidden.get("events", ()))),
        *_profiles(expected, actual, of_profiles, frozenset(forbidden.get("profiles", ()))),
        *_groups(expected, actual, frozenset(forbidden.get("groups", ()))),
    ]


def _people(
    expected: Contents, actual: Contents, may_join: Collection[frozenset[str]]
) -> Iterator[Difference]:
    known = sorted(
        {*expected.people, *expected.profiles, *(each["person"] for each in expected.events)} - {""}
    )
    for one, other in combinations(known, 2):
        wanted, found = other in expected.person(one), other in actual.person(one)
        if wanted != found and not (found and frozenset([one, other]) in may_join):
            kind = Kind.MISSING if wanted else Kind.UNEXPECTED
            pair = [one, other]
            note = "they must be one person" if wanted else "they must be two people"
            yield Difference("people.joined", kind, pair, pair, note)
    for one in known:
        if expected.person(one) == actual.person(one):
            wanted_id, found_id = expected.canonical.get(one), actual.canonical.get(one)
            if wanted_id != found_id:
                note = f"the id that Mixpanel knows the person of {one!r} by"
                yield Difference("people.canonical", Kind.CHANGED, wanted_id, found_id, note)


def _events(
    expected: Contents, actual: Contents, envelope: frozenset[str], forbidden: frozenset[str]
) -> Iterator[Difference]:
    left = [each for each in actual.events if each["event"] not in IDENTITY_EVENTS]
    for index, wanted in enumerate(expected.events):
        if wanted["event"] in IDENTITY_EVENTS:
            continue
        path = f"events[{index}]"
        candidates = [each for each in left if each["event"] == wanted["event"]]
        if not candidates:
            yield Difference(path, Kind.MISSING, _named(wanted))
            continue
        compared = [
            (list(_event(path, wanted, each, expected, actual, envelope)), number)
            for number, each in enumerate(candidates)
        ]
        differences, number = min(compared, key=lambda item: len(item[0]))
        found = candidates[number]
        left = [each for each in left if each is not found]
        yield from differences
        for name in sorted(forbidden & found["properties"].keys()):
            value = found["properties"][name]
            yield Difference(f"{path}.properties{json_step(name)}", Kind.UNEXPECTED, actual=value)
    for extra in left:
        yield Difference("events[]", Kind.UNEXPECTED, actual=_named(extra))


def _event(
    path: str,
    wanted: Json,
    found: Json,
    expected: Contents,
    actual: Contents,
    envelope: frozenset[str],
) -> Iterator[Difference]:
    nobody = not wanted["person"] and not found["properties"].get("distinct_id")
    if not (nobody or expected.person(wanted["person"]) & actual.person(found["person"])):
        yield Difference(f"{path}.person", Kind.CHANGED, wanted["person"], found["person"])
    for name in ("time", "region"):
        one, other = wanted[name], found[name]
        if abs(one - other) > 1 if name == "time" else one != other:
            yield Difference(f"{path}.{name}", Kind.CHANGED, one, other)
    yield from _properties(
        f"{path}.properties", wanted["properties"], found["properties"], envelope, ordered=True
    )


def _profiles(
    expected: Contents, actual: Contents, envelope: frozenset[str], forbidden: frozenset[str]
) -> Iterator[Difference]:
    seen = set()
    for name, wanted in expected.profiles.items():
        path = f"profiles{json_step(name)}"
        ids = expected.person(name)
        found = [each for each in actual.profiles if ids & actual.person(each)]
        seen |= {*found}
        if not found:
            if wanted.keys() - envelope:
                yield Difference(path, Kind.MISSING, wanted)
            continue
        properties = actual.profiles[name if name in found else found[0]]
        yield from _properties(path, wanted, properties, envelope, ordered=False)
        for key in sorted(forbidden & properties.keys()):
            place = f"{path}{json_step(key)}"
            yield Difference(place, Kind.UNEXPECTED, actual=properties[key])
    for name, properties in actual.profiles.items():
        if name not in seen and properties.keys() - envelope:
            yield Difference(f"profiles{json_step(name)}", Kind.UNEXPECTED, actual=properties)


def _groups(
    expected: Contents, actual: Contents, forbidden: frozenset[str]
) -> Iterator[Difference]:
    for (key, name), wanted in expected.groups.items():
        path = f"groups{json_step(key)}{json_step(name)}"
        found = actual.groups.get((key, name))
        if found is None:
            yield Difference(path, Kind.MISSING, wanted)
            continue
        yield from _properties(path, wanted, found, frozenset(), ordered=False)
        for each in sorted(forbidden & found.keys()):
            yield Difference(f"{path}{json_step(each)}", Kind.UNEXPECTED, actual=found[each])
    for key, name in actual.groups.keys() - expected.groups.keys():
        path = f"groups{json_step(key)}{json_step(name)}"
        yield Difference(path, Kind.UNEXPECTED, actual=actual.groups[key, name])


def _properties(
    path: str, wanted: Json, found: Json, envelope: frozenset[str], *, ordered: bool
) -> Iterator[Difference]:
    for name, value in wanted.items():
        if name in envelope:
            continue
        place = f"{path}{json_step(name)}"
        if name not in found:
            yield Difference(place, Kind.MISSING, value)
        elif name in AS_TEXT and str(value) == str(found[name]):
            continue
        elif name not in ANY_VALUE and not same_value(value, found[name], ordered=ordered):
            yield Difference(place, Kind.CHANGED, value, found[name])


def same_value(one: Any, other: Any, *, ordered: bool = True) -> bool:
    """Whether two values say the same: equal, the same moment, or an object and its JSON text."""
    if equal(one, other):
        return True
    if isinstance(one, str) and isinstance(other, str):
        return _moment(one) is not None and _moment(one) == _moment(other)
    if isinstance(one, str) != isinstance(other, str):
        text, value = (one, other) if isinstance(one, str) else (other, one)
        return isinstance(value, dict | list) and _says(text, value, ordered=ordered)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            same_value(value, other[key], ordered=ordered) for key, value in one.items()
        )
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        if ordered:
            return all(same_value(*pair) for pair in zip(one, other, strict=True))
        left = list(other)
        for item in one:
            place = next((n for n, each in enumerate(left) if same_value(item, each)), None)
            if place is None:
                return False
            del left[place]
        return True
    return False


def _moment(text: str) -> int | None:
    """The second of a text that is a date."""
    ms = iso_to_ms(text) if len(text) >= 10 else None
    return None if ms is None else ms // 1000


def _says(text: str, value: Any, *, ordered: bool) -> bool:
    """Whether a text is the JSON text of an object or a list."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(parsed, type(value)) and same_value(parsed, value, ordered=ordered)


def _named(event: Json) -> Json:
    return {"event": event["event"], "person": event["person"], "time": event["time"]}
