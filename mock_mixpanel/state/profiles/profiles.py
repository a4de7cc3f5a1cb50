"""Profiles of people and of groups: each is a fold over the updates made to it.

Updates apply in the order of their `$time` (docs/facts/mixpanel-http-api.md#profile-modifiers),
those of the same time and those without one in the order they arrive; one from the future counts as
of its arrival (choice). So a profile keeps the times and entry ids of its updates. An update that
is the latest is applied at once. One that comes late makes the profile stale, and it is computed
again before it is read.
"""

from bisect import insort
from collections.abc import Callable, Container, Hashable, Iterator, KeysView, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from mock_mixpanel.json_values import json_bytes, seconds, truthy
from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.projects.config import MixpanelLimits
from mock_mixpanel.simulation.clock import iso
from mock_mixpanel.simulation.places import profile_location
from mock_mixpanel.state.events.event import cut
from mock_mixpanel.state.findings import Finding, RefusedError
from mock_mixpanel.state.profiles.change_order import ChangeOrder
from mock_mixpanel.state.profiles.operations import Properties, apply_all

LAST_SEEN = "$last_seen"
AT_ONCE = 10_000
"""Updates that are read again at once."""
Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class Profile:
    """The content of a profile; `properties` is None if it does not exist or was deleted.

    Of the updates it consists of, `made` is the entry that arrived first and `changed` the one that
    arrived last. `at` and `seen` are when that and the last sign of life arrived, in virtual
    seconds.
    """

    history: list[tuple[float, int]] = field(default_factory=list)
    """Time and entry id of each update made to it, in order."""
    properties: Properties | None = None
    made: int = 0
    changed: int = 0
    at: float = 0
    seen: float = 0

    @property
    def listed(self) -> int:
        """Its place in a list by last change: `changed`, or 0 if it does not exist."""
        return 0 if self.properties is None else self.changed


class UpdateStep(NamedTuple):
    """An update with the properties of its profile before and after; `refused` says why not."""

    entry: LogEntry
    before: Properties | None
    after: Properties | None
    refused: str | None


class Profiles(Generic[Key]):
    """The profiles of one kind.

    `entries` reads entries by ids in order; `findings` takes what is refused.
    """

    def __init__(
        self,
        limits: MixpanelLimits,
        entries: Callable[[Sequence[int]], Iterator[LogEntry]],
        findings: dict[int, Finding],
    ) -> None:
        self._limits = limits
        self._entries = entries
        self._findings = findings
        self._all: dict[Key, Profile] = {}
        self._stale: set[Key] = set()
        self._order: ChangeOrder[Key] = ChangeOrder()

    def __contains__(self, key: Key) -> bool:
        profile = self._all.get(key)
        return profile is not None and profile.properties is not None

    def __len__(self) -> int:
        return len(self._order)

    def items(self) -> list[tuple[Key, Profile]]:
        """The profiles that exist, oldest first."""
        found = [each for each in self._all.items() if each[1].properties is not None]
        return sorted(found, key=lambda each: each[1].made)

    def keys(self) -> KeysView[Key]:
        """The keys of profiles, and of those that were deleted."""
        return self._all.keys()

    def latest(self, before: int | None = None) -> Iterator[tuple[Key, Profile]]:
        """The profiles that exist and changed last before an entry id, the latest first."""
        return ((key, self._all[key]) for _, key in self._order.backwards(before))

    def history(self, key: Key) -> list[tuple[float, int]]:
        """Time and entry id of each update made to a profile, in the order they apply."""
        profile = self._all.get(key)
        return list(profile.history) if profile else []

    def get(self, key: Key) -> Profile | None:
        """A profile, if it exists."""
        return self._all[key] if key in self else None

    def holder(self, number: int, likely: Sequence[Key]) -> Key | None:
        """The key of the profile that an update was made to; `likely` keys are tried first."""
        for key in (*likely, *self._all):
            if key in self._all and any(each == number for _, each in self._all[key].history):
                return key
        return None

    def update(self, key: Key, entry: LogEntry) -> None:
        """Apply an update."""
        profile = self._all.setdefault(key, Profile())
        time = seconds(entry.record.get("$time"))
        arrival = entry.verdict.received_at
        place = (arrival if time is None else min(float(time), arrival), entry.id)
        if key in self._stale:
            insort(profile.history, place)
        elif profile.history and place < profile.history[-1]:
            insort(profile.history, place)
            self._stale.add(key)
        else:
            profile.history.append(place)
            before = profile.listed
            self._apply(profile, entry)
            self._order.move(key, before, profile.listed)

    def merge(self, gone: Key, kept: Key) -> None:
        """Merge two profiles, as if all updates had been made to one (choice)."""
        old = self._all.pop(gone, None)
        if old is None:
            return
        self._order.move(gone, old.listed, 0)
        other = self._all.setdefault(kept, old)
        if other is old:
            self._order.move(kept, 0, old.listed)
        else:
            other.history = sorted(other.history + old.history)
            self._stale.add(kept)
        if gone in self._stale:
            self._stale.add(kept)
        self._stale.discard(gone)

    def forget(self, gone: Container[Key], resolve: Callable[[Key], Key]) -> list[int]:
        """Delete profiles, with their history, by their own key or by the key that it resolves to.

        Returns the entry ids of their updates.
        """
        erased: list[int] = []
        for key in [each for each in self._all if each in gone or resolve(each) in gone]:
            profile = self._all.pop(key)
            self._order.move(key, profile.listed, 0)
            erased += [number for _, number in profile.history]
            self._stale.discard(key)
        return erased

    def settle(self) -> None:
        """Recompute stale profiles."""
        while self._stale:
            together = self._some_stale()
            numbers = sorted(number for key in together for _, number in self._all[key].history)
            entries = {entry.id: entry for entry in self._entries(numbers)}
            for key in together:
                before = self._all[key].listed
                profile = self._all[key] = Profile(self._all[key].history)
                for _, number in profile.history:
                    self._findings.pop(number, None)
                    if number in entries:
                        self._apply(profile, entries[number])
                self._order.move(key, before, profile.listed)

    def _some_stale(self) -> list[Key]:
        """The next stale profiles, few enough to recompute at once; they are no longer marked."""
        together, updates = [], 0
        while self._stale and updates < AT_ONCE:
            key = self._stale.pop()
            together.append(key)
            updates += len(self._all[key].history)
        return together

    def replay(self, key: Key) -> Iterator["UpdateStep"]:
        """The updates made to a profile, in the order they apply."""
        numbers = [number for _, number in self.history(key)]
        entries = {entry.id: entry for entry in self._entries(sorted(numbers))}
        profile, findings = Profile(), dict[int, Finding]()
        for number in numbers:
            if number in entries:
                before = profile.properties
                self._apply(profile, entries[number], findings)
                refused = findings.get(number)
                reason = refused.reason if refused else None
                yield UpdateStep(entries[number], before, profile.properties, reason)

    def _apply(
        self, profile: Profile, entry: LogEntry, findings: dict[int, Finding] | None = None
    ) -> None:
        findings = self._findings if findings is None else findings
        before = profile.properties
        try:
            after = self._updated(before, entry)
        except RefusedError as error:
            findings[entry.id] = Finding(str(error), refused=True)
            return
        if after is None and before is None:
            return
        if before is None:
            profile.made, profile.seen = entry.id, 0
        profile.made = min(profile.made, entry.id)
        if entry.id > profile.changed:
            profile.changed, profile.at = entry.id, entry.verdict.received_at
        if after is not None and entry.verdict.endpoint == "/engage":
            after |= profile_location(entry.verdict.place)
            if not truthy(entry.record.get("$ignore_time")):
                profile.seen = max(profile.seen, entry.verdict.received_at)
                after[LAST_SEEN] = iso(profile.seen)[:19]
        profile.properties = after

    def _updated(self, before: Properties | None, entry: LogEntry) -> Properties | None:
        """New properties, or None for no profile. Raises RefusedError if an update conflicts."""
        limits = self._limits
        record = {
            name: cut(value, limits.string_characters) if isinstance(value, dict) else value
            for name, value in entry.record.items()
        }
        after = apply_all(before, record)
        if after and len(after) > limits.profile_properties and len(after) > len(before or ()):
            most = limits.profile_properties
            raise RefusedError(f"properties: the profile would have more than {most}")
        for name, value in (after or {}).items():
            new = isinstance(value, dict | list) and value is not (before or {}).get(name)
            if new and json_bytes(value) > limits.profile_property_bytes:
                most = limits.profile_property_bytes
                raise RefusedError(f"{name}: would be larger than {most} bytes")
        return after
