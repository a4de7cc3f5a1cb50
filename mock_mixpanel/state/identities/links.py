"""What the identity systems have in common: their interface, and what they decide."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from mock_mixpanel.json_values import identifier
from mock_mixpanel.log.records import LogEntry


class Link(NamedTuple):
    """Two ids of one person: what is sent for `alias` belongs to `distinct_id`."""

    alias: str
    distinct_id: str


class Merge(NamedTuple):
    """Two people became one: what the id `gone` stood for is now known as `kept`."""

    gone: str
    kept: str


class LinkHistory(NamedTuple):
    """An identity event, and what was decided about it.

    `id` is that of its entry, `at` when it arrived, `due` when the link takes effect or took it
    (virtual seconds). `outcome` is one of `linked`, `repeated` (the link existed before), `ignored`
    (it links nothing under this identity mode) and `refused`; `reason` says why. `because` is the
    entry id of the earlier link that prevents this one.
    """

    link: Link
    id: int
    at: float
    due: float
    outcome: str
    reason: str = ""
    because: int = 0


def named_ids(record: Any) -> Link:
    """The two ids that an event would link, by any of the properties for them; "" if missing."""
    properties = record.get("properties") if isinstance(record, dict) else None
    sent = properties if isinstance(properties, dict) else {}
    pair = sent.get("$distinct_ids")
    if isinstance(pair, list) and len(pair) == 2:
        return Link(identifier(pair[1]), identifier(pair[0]))
    read = [
        [identifier(sent.get(name)) for name in names]
        for names in (
            ("alias", "distinct_id"),
            ("$identified_id", "$anon_id"),
            ("distinct_id", "$anon_distinct_id"),
            ("$device_id", "$user_id"),
        )
    ]
    alias, distinct_id = next((ids for ids in read if all(ids)), read[0])
    return Link(alias, distinct_id)


@dataclass(frozen=True, slots=True)
class LinkDecision:
    """What an event means for identities.

    `note` says why it links nothing, or what of it has no effect; `added` are the properties that
    Mixpanel stores on the event because of that.
    """

    link: Link | None = None
    note: str | None = None
    added: dict[str, Any] = field(default_factory=dict)


NOTHING = LinkDecision()


class Identities(Protocol):
    """An identity system, fed entry by entry, and asked about the links in effect."""

    def decide(self, entry: LogEntry) -> LinkDecision:
        """Take in an event when it arrives. What it links is known from now on, but not in effect.

        Raises RefusedError for an identity event that is not stored at all.
        """

    def link(self, link: Link) -> Merge | None:
        """Let a link that was decided take effect. The merge, if profiles have to move."""

    def place(self, sent: str) -> str:
        """The id that a record sent for an id is stored under."""

    def resolve(self, stored: str) -> str:
        """The canonical id of what is stored under an id."""

    def people(self) -> Sequence[Sequence[str]]:
        """The ids of everyone who has several, each with the canonical id first."""

    def split_from(self, who: str, pending: Sequence[Link]) -> Link | None:
        """The link that would join the person of a canonical id with another one, if there is one
        that is not in effect for the data stored under this id."""

    def splits(self, pending: Sequence[Link]) -> Sequence[Link]:
        """The links whose alias is somebody else as long as anything is stored under it.

        `pending` are the links decided and not in effect.
        """
