"""Profiles of people and of groups: each is a fold over the updates made to it.

Updates apply in the order of their `$time` (docs/facts/mixpanel-http-api.md#profile-modifiers),
those of the same time and those without one in the order they arrive; one from the future counts as
of its arrival (choice). So a profile keeps the times and entry ids of its updates. An update that
is the latest is applied at once. One that comes late makes the profile stale, and the updates from
there on are applied again before the profile is read.
"""

from collections.abc import Callable, Container, Hashable, Iterator, KeysView, Sequence
from typing import Generic, NamedTuple, TypeVar

from mock_mixpanel.garbage_collection import Table
from mock_mixpanel.json_values import seconds
from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.projects.config import MixpanelLimits
from mock_mixpanel.state.findings import Finding, RefusedError
from mock_mixpanel.state.profiles.change_order import ChangeOrder
from mock_mixpanel.state.profiles.operations import Properties
from mock_mixpanel.state.profiles.profile import Profile, ProfileHistory, updated

AT_ONCE = 10_000
"""Updates that are read again at once."""
Key = TypeVar("Key", bound=Hashable)


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
        self._all: dict[Key, ProfileHistory] = {}
        self._stale: set[Key] = set()
        self._order: ChangeOrder[Key] = ChangeOrder()

    def __contains__(self, key: Key) -> bool:
        history = self._all.get(key)
        return history is not None and history.profile.properties is not None

    def __len__(self) -> int:
        return len(self._order)

    def items(self) -> list[tuple[Key, Profile]]:
        """The profiles that exist, oldest first."""
        found = [(key, history.profile) for key, history in self._all.items() if key in self]
        return sorted(found, key=lambda each: each[1].made)

    def keys(self) -> KeysView[Key]:
        """The keys of profiles, and of those that were deleted."""
        return self._all.keys()

    def latest(self, before: int | None = None) -> Iterator[tuple[Key, Profile]]:
        """The profiles that exist and changed last before an entry id, the latest first."""
        return ((key, self._all[key].profile) for _, key in self._order.backwards(before))

    def tables(self) -> list[Table]:
        """The tables that grow with the log, for profiles that are no longer used."""
        return [self._all]

    def history(self, key: Key) -> Sequence[tuple[float, int]]:
        """Time and entry id of each update made to a profile, in the order they apply."""
        return self._all[key].updates if key in self._all else ()

    def get(self, key: Key) -> Profile | None:
        """A profile, if it exists."""
        return self._all[key].profile if key in self else None

    def holder(self, number: int, likely: Sequence[Key]) -> Key | None:
        """The key of the profile that an update was made to; `likely` keys are tried first."""
        for key in (*likely, *self._all):
            if key in self._all and any(each == number for _, each in self._all[key].updates):
                return key
        return None

    def update(self, key: Key, entry: LogEntry) -> None:
        """Apply an update."""
        history = self._all.get(key)
        if history is None:
            history = self._all[key] = ProfileHistory()
        time = seconds(entry.record.get("$time"))
        arrival = entry.verdict.received_at
        history.add(arrival if time is None else min(float(time), arrival), entry.id)
        if history.applied + 1 < len(history.updates) or history.updates[-1][1] != entry.id:
            self._stale.add(key)
        else:
            self._apply(history, entry.id, entry)
            self._list(key, history)

    def merge(self, gone: Key, kept: Key) -> None:
        """Merge two profiles, as if all updates had been made to one (choice)."""
        old = self._all.pop(gone, None)
        if old is None:
            return
        self._order.move(gone, old.listed, 0)
        old.listed = 0
        other = self._all.setdefault(kept, old)
        if other is not old:
            other.join(old)
        self._stale.discard(gone)
        if other.applied < len(other.updates):
            self._stale.add(kept)
        else:
            self._list(kept, other)

    def forget(self, gone: Container[Key], resolve: Callable[[Key], Key]) -> list[int]:
        """Delete profiles, with their history, by their own key or by the key that it resolves to.

        Returns the entry ids of their updates.
        """
        erased: list[int] = []
        for key in [each for each in self._all if each in gone or resolve(each) in gone]:
            history = self._all.pop(key)
            self._order.move(key, history.listed, 0)
            erased += [number for _, number in history.updates]
            self._stale.discard(key)
        return erased

    def settle(self) -> None:
        """Bring stale profiles up to date."""
        while self._stale:
            together = self._some_stale()
            numbers = sorted(number for key in together for number in self._all[key].pending)
            entries = {entry.id: entry for entry in self._entries(numbers)}
            for key in together:
                history = self._all[key]
                for number in history.pending:
                    self._findings.pop(number, None)
                    self._apply(history, number, entries.get(number))
                self._list(key, history)

    def replay(self, key: Key, first: int, end: int) -> Iterator[UpdateStep]:
        """The updates made to a profile in the order they apply: from place `first` to `end`.

        Places count from 0. The updates since the checkpoint before the first one are read too.
        """
        history = self._all.get(key) or ProfileHistory()
        profile, start = history.checkpoint(first)
        numbers = [number for _, number in history.updates[start:end]]
        entries = {entry.id: entry for entry in self._entries(sorted(numbers))}
        for place, number in enumerate(numbers, start):
            if number not in entries:
                continue
            before, refused = profile.properties, None
            try:
                profile = updated(profile, entries[number], self._limits)
            except RefusedError as error:
                refused = str(error)
            if place >= first:
                yield UpdateStep(entries[number], before, profile.properties, refused)

    def _some_stale(self) -> list[Key]:
        """The next stale profiles, few enough to read at once; they are no longer marked."""
        together, updates = [], 0
        while self._stale and updates < AT_ONCE:
            key = self._stale.pop()
            together.append(key)
            updates += len(self._all[key].updates) - self._all[key].applied
        return together

    def _apply(self, history: ProfileHistory, number: int, entry: LogEntry | None) -> None:
        try:
            history.apply(entry, self._limits)
        except RefusedError as error:
            self._findings[number] = Finding(str(error), refused=True)

    def _list(self, key: Key, history: ProfileHistory) -> None:
        """Move a profile to its place in the list by last change."""
        profile = history.profile
        place = 0 if profile.properties is None else profile.changed
        self._order.move(key, history.listed, place)
        history.listed = place
