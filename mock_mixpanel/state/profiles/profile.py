"""One profile, and the history of the updates that it results from.

A profile is a fold over its updates, in the order in which they apply. A history keeps a checkpoint
after every `CHECKPOINT_EVERY` updates, a copy of the profile. So a page of the history, or an
update that comes late, needs only the updates since the checkpoint before it.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from mock_mixpanel.json_values import json_bytes, same, truthy
from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.projects.config import MixpanelLimits
from mock_mixpanel.simulation.clock import iso
from mock_mixpanel.simulation.places import profile_location
from mock_mixpanel.state.events.event import cut
from mock_mixpanel.state.findings import RefusedError
from mock_mixpanel.state.profiles.operations import (
    Properties,
    apply_all,
    operation_names,
    touched,
)

LAST_SEEN = "$last_seen"
CHECKPOINT_EVERY = 32
"""Updates between two checkpoints of a history."""


class PropertySource(NamedTuple):
    """The update that set a property: entry id, arrival (virtual seconds), and its operations."""

    id: int
    at: float
    operations: str


class Profile(NamedTuple):
    """The content of a profile; `properties` is None if it does not exist or was deleted.

    Of the updates it consists of, `made` is the entry that arrived first and `changed` the one that
    arrived last. `at` and `seen` are when that and the last sign of life arrived, in virtual
    seconds. `sources` has the update that set each property.
    """

    properties: Properties | None = None
    made: int = 0
    changed: int = 0
    at: float = 0
    seen: float = 0
    sources: Mapping[str, PropertySource] = MappingProxyType({})


NO_PROFILE = Profile()


class ProfileHistory:
    """The updates made to one profile, and the profile after the first `applied` of them."""

    __slots__ = ("_checkpoints", "applied", "listed", "profile", "updates")

    def __init__(self) -> None:
        self.updates: list[tuple[float, int]] = []
        """Time and entry id of each, in the order they apply."""
        self.applied = 0
        self.profile = NO_PROFILE
        self.listed = 0
        """Its place in the list by last change, which its owner sets; 0 if it is not listed."""
        self._checkpoints: list[Profile] = []
        """The profile after each `CHECKPOINT_EVERY` updates."""

    @property
    def pending(self) -> list[int]:
        """The entry ids of the updates that are not applied."""
        return [number for _, number in self.updates[self.applied :]]

    def add(self, time: float, number: int) -> None:
        """Add an update; one that is not the latest is inserted, and those after it wait again."""
        update = (time, number)
        if not self.updates or self.updates[-1] < update:
            self.updates.append(update)
            return
        place = bisect_left(self.updates, update)
        self.updates.insert(place, update)
        self._rewind(place)

    def join(self, other: "ProfileHistory") -> None:
        """Add all updates of another history; they are not applied yet."""
        self.updates = sorted(self.updates + other.updates)
        self._rewind(bisect_left(self.updates, other.updates[0]))

    def apply(self, entry: LogEntry | None, limits: MixpanelLimits) -> None:
        """Apply the next update; None for one that was forgotten.

        Raises RefusedError if the update conflicts; then it has no effect.
        """
        try:
            if entry is not None:
                self.profile = updated(self.profile, entry, limits)
        finally:
            self.applied += 1
            if self.applied % CHECKPOINT_EVERY == 0:
                self._checkpoints.append(self.profile)

    def checkpoint(self, place: int) -> tuple[Profile, int]:
        """The last checkpoint that is not after a place, and how many updates it has."""
        number = min(place // CHECKPOINT_EVERY, len(self._checkpoints))
        profile = self._checkpoints[number - 1] if number else NO_PROFILE
        return profile, number * CHECKPOINT_EVERY

    def _rewind(self, place: int) -> None:
        """Go back to the checkpoint before a place, if the updates from there are applied."""
        if place < self.applied:
            self.profile, self.applied = self.checkpoint(place)
            del self._checkpoints[self.applied // CHECKPOINT_EVERY :]


def updated(before: Profile, entry: LogEntry, limits: MixpanelLimits) -> Profile:
    """The profile after an update. Raises RefusedError if the update conflicts."""
    properties = _properties(before.properties, entry, limits)
    if properties is None and before.properties is None:
        return before
    made, changed, at, seen, received = (*before[1:5], entry.verdict.received_at)
    if before.properties is None:
        made, seen = entry.id, 0
    made = min(made, entry.id)
    if entry.id > changed:
        changed, at = entry.id, received
    if properties is None:
        return Profile(None, made, changed, at, seen)
    names = touched(entry.record)
    if entry.verdict.endpoint == "/engage":
        mine = profile_location(entry.verdict.place)
        if not truthy(entry.record.get("$ignore_time")):
            seen = max(seen, received)
            mine[LAST_SEEN] = iso(seen)[:19]
        properties |= mine
        names += mine
    this = PropertySource(entry.id, received, operation_names(entry.record))
    sources = _sources(before, properties, names, this)
    return Profile(properties, made, changed, at, seen, sources)


def _sources(
    before: Profile, properties: Properties, names: Sequence[str], this: PropertySource
) -> dict[str, PropertySource]:
    """The update that set each property; `this` one may have changed those with these names."""
    old, found = before.properties or {}, dict(before.sources)
    for name in names:
        if name not in properties:
            found.pop(name, None)
        elif name not in old or not same(old[name], properties[name]):
            found[name] = this
    return found


def _properties(
    before: Properties | None, entry: LogEntry, limits: MixpanelLimits
) -> Properties | None:
    """New properties, or None for no profile. Raises RefusedError if an update conflicts."""
    record = {
        name: cut(value, limits.string_characters) if isinstance(value, dict) else value
        for name, value in entry.record.items()
    }
    after = apply_all(before, record)
    if after and len(after) > limits.profile_properties and len(after) > len(before or ()):
        most = limits.profile_properties
        raise RefusedError(f"properties: the profile would have more than {most}")
    for name in touched(record):
        value = (after or {}).get(name)
        new = isinstance(value, dict | list) and value is not (before or {}).get(name)
        if new and json_bytes(value) > limits.profile_property_bytes:
            most = limits.profile_property_bytes
            raise RefusedError(f"{name}: would be larger than {most} bytes")
    return after
