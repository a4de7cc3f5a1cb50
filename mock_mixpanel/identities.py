"""Who is who at a given moment: alias propagation (legacy) and device linking (simplified).

Both learn from the log, entry by entry, and are asked afterwards. Legacy is not retroactive: a
record belongs where it resolved when it arrived. Simplified is: an event belongs where its ids
resolve when it is read. Sources: facts/mixpanel-http-api 5.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from mock_mixpanel.clock import iso
from mock_mixpanel.events import device_and_user
from mock_mixpanel.log import Entry
from mock_mixpanel.problems import RefusedError
from mock_mixpanel.values import identifier


class Identities(Protocol):
    """What the projections ask of an identity system."""

    def learn(self, entry: Entry) -> str | None:
        """Take in an event; a text says what of it has no effect.

        Raises RefusedError for an identity event that cannot be.
        """

    def place(self, entry: Entry, sent: str) -> str:
        """The id a record is stored under when it arrives."""

    def resolve(self, stored: str) -> str:
        """The canonical id, when it is read, of what is stored under an id."""

    def describe(self, now: float) -> dict[str, Any]:
        """Clusters, pending aliases and split profiles as at `now` (virtual seconds)."""


class Alias(NamedTuple):
    """`alias -> distinct_id`, effective from `due` on (virtual seconds)."""

    alias: str
    distinct_id: str
    due: float


@dataclass
class Legacy:
    """Only `$create_alias` links: one way, once per alias, not retroactively (5.3)."""

    aliases: dict[str, Alias] = field(default_factory=dict)
    stored_under: dict[str, list[int]] = field(default_factory=dict)
    """For each id the records it got; what an alias has of its own is a split profile."""

    def learn(self, entry: Entry) -> str | None:
        """An alias may point to one id only, and never in a circle."""
        if entry.record["event"] != "$create_alias":
            return None
        sent = entry.record["properties"]
        new = Alias(identifier(sent["alias"]), identifier(sent["distinct_id"]), entry.effective_at)
        known = self.aliases.get(new.alias)
        if known and known.distinct_id == new.distinct_id:
            return None
        if known:
            raise RefusedError("alias: it points to another distinct_id already")
        if new.alias in self._chain(new.distinct_id):
            raise RefusedError("alias: distinct_id is an alias of it, this would make a circle")
        self.aliases[new.alias] = new
        return None

    def place(self, entry: Entry, sent: str) -> str:
        """Where the aliases effective at the record's arrival lead."""
        found = [*self._chain(sent, entry.received_at)][-1]
        self.stored_under.setdefault(found, []).append(entry.id)
        return found

    def resolve(self, stored: str) -> str:
        """What was stored stays where it is."""
        return stored

    def describe(self, now: float) -> dict[str, Any]:
        """A cluster begins with its canonical id; the aliases follow in order of arrival."""
        effective = [alias for alias in self.aliases.values() if alias.due <= now]
        members: dict[str, list[str]] = {}
        for alias in effective:
            canonical = [*self._chain(alias.alias, now)][-1]
            members.setdefault(canonical, [canonical]).append(alias.alias)
        return {
            "clusters": _clusters(members),
            "pending_aliases": [
                {"alias": alias.alias, "distinct_id": alias.distinct_id, "due": iso(alias.due)}
                for alias in self.aliases.values()
                if alias.due > now
            ],
            "split_profiles": [
                {
                    "alias": alias.alias,
                    "distinct_id": alias.distinct_id,
                    "causes": list(self.stored_under[alias.alias]),
                }
                for alias in self.aliases.values()
                if alias.alias in self.stored_under
            ],
        }

    def _chain(self, start: str, at: float | None = None) -> Iterator[str]:
        """An id and where it leads, step by step; by all aliases, or those effective `at`."""
        yield start
        alias = self.aliases.get(start)
        while alias and (at is None or alias.due <= at):
            yield alias.distinct_id
            alias = self.aliases.get(alias.distinct_id)


@dataclass
class Simplified:
    """An event with `$device_id` and `$user_id` links the two, retroactively (5.4).

    A device linked to one user and then seen with another keeps its first link (choice); the
    event itself is the second user's.
    """

    users: dict[str, str] = field(default_factory=dict)
    """From `$device:` id to user id."""

    def learn(self, entry: Entry) -> str | None:
        """Identity events have no effect here; ingestion says so."""
        device, user = device_and_user(entry.record["properties"])
        if not (device and user):
            return None
        linked = self.users.setdefault(f"$device:{device}", user)
        return None if linked == user else "$device_id: it is linked to another $user_id already"

    def place(self, entry: Entry, sent: str) -> str:
        """Everything is kept under the id it was sent for."""
        return sent

    def resolve(self, stored: str) -> str:
        """A linked device is its user."""
        return self.users.get(stored, stored)

    def describe(self, now: float) -> dict[str, Any]:
        """Links are effective at once, and no profile is ever split by them."""
        members: dict[str, list[str]] = {}
        for device, user in self.users.items():
            members.setdefault(user, [user]).append(device)
        return {"clusters": _clusters(members), "pending_aliases": [], "split_profiles": []}


def identities_for(mode: str) -> Identities:
    """An empty identity system."""
    return Simplified() if mode == "simplified" else Legacy()


def _clusters(members: dict[str, list[str]]) -> Sequence[dict[str, Any]]:
    return [{"canonical": canonical, "ids": ids} for canonical, ids in members.items()]
