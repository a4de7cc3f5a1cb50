"""Simplified ID Merge: an event with `$device_id` and `$user_id` links the two, retroactively.

An event belongs to whom its ids lead to when it is read; a profile stays with the id it was made
for, and later updates for a linked device go to its user
(docs/facts/mixpanel-http-api.md#simplified-id-merge,
docs/facts/mixpanel-http-api.md#propagation-and-split-profiles).

A device linked to one user and then seen with another keeps its first link (choice); the event
itself is the second user's, and says so.
"""

from collections.abc import Collection, Iterable, Iterator, KeysView, Sequence
from dataclasses import dataclass, field

from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.state.events.event import device_and_user
from mock_mixpanel.state.identities.links import NOTHING, Link, LinkDecision

LINKED = "$device_id: it is linked to another $user_id already"
"""The reason; also the value of `$identity_failure_reason`, whose real ones are unknown."""


@dataclass
class Simplified:
    """From `$device:` ids to user ids."""

    users: dict[str, str] = field(default_factory=dict)
    """All decided links."""
    effective: dict[str, str] = field(default_factory=dict)
    """The links in effect."""
    _devices: dict[str, list[str]] = field(default_factory=dict)
    """The linked devices by user, in the order in which the links took effect."""

    def decide(self, entry: LogEntry) -> LinkDecision:
        """The first event with both ids links them. Identity events are nothing special here."""
        device, user = device_and_user(entry.record["properties"])
        if not (device and user):
            return NOTHING
        new = Link(f"$device:{device}", user)
        known = self.users.get(new.alias)
        if known is None:
            self.users[new.alias] = user
            return LinkDecision(new)
        if known == user:
            return NOTHING
        return LinkDecision(note=LINKED, added={"$identity_failure_reason": LINKED})

    def link(self, link: Link) -> None:
        """Resolve the device to its user from now on; profiles do not move."""
        self.effective[link.alias] = link.distinct_id
        self._devices.setdefault(link.distinct_id, []).append(link.alias)

    def place(self, sent: str) -> str:
        """A record is stored under the id it was sent for."""
        return sent

    def resolve(self, stored: str) -> str:
        """A linked device resolves to its user."""
        return self.effective.get(stored, stored)

    def people(self) -> Iterator[Sequence[str]]:
        """Each user with the linked devices."""
        return ([user, *devices] for user, devices in self._devices.items())

    def people_with(self, who: str) -> Iterator[Sequence[str]]:
        """The user that an id is, and the user that it is a device of."""
        for user in (who, self.effective.get(who)):
            if user is not None and user in self._devices:
                yield [user, *self._devices[user]]

    def led_on(self) -> Collection[str]:
        """Every linked device."""
        return self.effective.keys()

    def split_from(self, who: str, pending: Sequence[Link]) -> Link | None:
        """A person is split off until the link takes effect."""
        return next((link for link in pending if self.resolve(link.alias) == who), None)

    def splits(self, pending: Sequence[Link], stored: Sequence[KeysView[str]]) -> Iterable[Link]:
        """A device is a separate person until its link takes effect."""
        return pending
