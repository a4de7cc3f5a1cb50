"""Legacy identity: only `$create_alias` links, one way, once per alias, not retroactively.

A record belongs to whom it led to when it was stored
(docs/facts/mixpanel-http-api.md#three-identity-systems,
docs/facts/mixpanel-http-api.md#legacy-alias).
"""

from collections.abc import Collection, Iterable, Iterator, KeysView, Mapping, Sequence
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
    _aliases_of: dict[str, list[str]] = field(default_factory=dict)
    """The aliases in effect by the id that each points to."""
    _places: dict[str, int] = field(default_factory=dict)
    """In which order the aliases took effect."""

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
            raise RefusedError("alias: distinct_id is an alias of it, so this would make a cycle")
        self.aliases[new.alias] = new.distinct_id
        return LinkDecision(new)

    def link(self, link: Link) -> None:
        """Resolve the alias from now on; stored data does not move."""
        self.effective[link.alias] = link.distinct_id
        self._aliases_of.setdefault(link.distinct_id, []).append(link.alias)
        self._places[link.alias] = len(self._places)

    def place(self, sent: str) -> str:
        """The id to which the aliases in effect lead."""
        leads = self.effective.get
        while (other := leads(sent)) is not None:
            sent = other
        return sent

    def resolve(self, stored: str) -> str:
        """Stored data stays under its id."""
        return stored

    def people(self) -> Iterator[Sequence[str]]:
        """An original id and its aliases in the order they took effect."""
        for who in self._aliases_of:
            if who not in self.effective:
                yield from self.people_with(who)

    def people_with(self, who: str) -> Iterator[Sequence[str]]:
        """An original id and all ids that lead to it."""
        canonical = self.place(who)
        aliases = list(self._aliases_of.get(canonical, ()))
        for alias in aliases:  # It grows by the aliases of aliases.
            aliases += self._aliases_of.get(alias, ())
        if aliases:
            yield [canonical, *sorted(aliases, key=self._places.__getitem__)]

    def led_on(self) -> Collection[str]:
        """Every alias in effect."""
        return self.effective.keys()

    def split_from(self, who: str, pending: Sequence[Link]) -> Link | None:
        """Data stored under an alias stays separate, even when the alias is in effect."""
        original = self.aliases.get(who)
        return None if original is None else Link(who, original)

    def splits(self, pending: Sequence[Link], stored: Sequence[KeysView[str]]) -> Iterable[Link]:
        """Every alias with data: data under the alias itself stays separate forever."""
        found = {alias for ids in stored for alias in self.aliases.keys() & ids}
        return [Link(alias, self.aliases[alias]) for alias in found]


def _chain(start: str, aliases: Mapping[str, str]) -> Iterator[str]:
    """An id and the ids to which its aliases lead, step by step."""
    found: str | None = start
    while found is not None:
        yield found
        found = aliases.get(found)
