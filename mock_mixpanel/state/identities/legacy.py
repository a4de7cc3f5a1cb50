"""Legacy identity: only `$create_alias` links, one way, once per alias, not retroactively.

A record belongs to whom it led to when it was stored
(docs/facts/mixpanel-http-api.md#three-identity-systems,
docs/facts/mixpanel-http-api.md#legacy-alias).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mock_mixpanel.json_values import identifier
from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.state.findings import RefusedError
from mock_mixpanel.state.identities.links import NOTHING, Link, LinkDecision


@dataclass
class Legacy:
    """The lookup from aliases to their original ids."""

    aliases: dict[str, str] = field(default_factory=dict)
    """All decided links."""
    effective: dict[str, str] = field(default_factory=dict)
    """The links in effect."""

    def decide(self, entry: LogEntry) -> LinkDecision:
        """An alias points to one id, and never in a cycle; the same link again is allowed."""
        if entry.record["event"] != "$create_alias":
            return NOTHING
        sent = entry.record["properties"]
        new = Link(identifier(sent["alias"]), identifier(sent["distinct_id"]))
        known = self.aliases.get(new.alias)
        if known == new.distinct_id:
            return NOTHING
        if known is not None:
            raise RefusedError("alias: it points to another distinct_id already")
        if new.alias in _chain(new.distinct_id, self.aliases):
            raise RefusedError("alias: distinct_id is an alias of it, this would make a circle")
        self.aliases[new.alias] = new.distinct_id
        return LinkDecision(new)

    def link(self, link: Link) -> None:
        """Resolve the alias from now on; stored data does not move."""
        self.effective[link.alias] = link.distinct_id

    def place(self, sent: str) -> str:
        """The id to which the aliases in effect lead."""
        leads = self.effective.get
        while (other := leads(sent)) is not None:
            sent = other
        return sent

    def resolve(self, stored: str) -> str:
        """Stored data stays under its id."""
        return stored

    def people(self) -> Sequence[Sequence[str]]:
        """An original id and its aliases in the order they took effect."""
        found: dict[str, list[str]] = {}
        for alias in self.effective:
            canonical = self.place(alias)
            found.setdefault(canonical, [canonical]).append(alias)
        return list(found.values())

    def split_from(self, who: str, pending: Sequence[Link]) -> Link | None:
        """What is stored under an alias stays split off, also when the alias is in effect."""
        original = self.aliases.get(who)
        return None if original is None else Link(who, original)

    def splits(self, pending: Sequence[Link]) -> Sequence[Link]:
        """Every alias: data under the alias itself stays separate forever."""
        return [Link(*both) for both in self.aliases.items()]


def _chain(start: str, aliases: Mapping[str, str]) -> Iterator[str]:
    """An id and the ids to which its aliases lead, step by step."""
    found: str | None = start
    while found is not None:
        yield found
        found = aliases.get(found)
