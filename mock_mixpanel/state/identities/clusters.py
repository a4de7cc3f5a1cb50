"""Clusters of ids of one person, which grow by merges."""

import hashlib
from dataclasses import dataclass, field

from mock_mixpanel.state.identities.links import Merge


@dataclass
class Clusters:
    """Each id belongs to one cluster; an unknown id is a cluster of its own."""

    known: dict[str, list[str]] = field(default_factory=dict)
    """For each id that was merged the ids of its cluster, shared by all of them, canonical first.
    """

    joined: dict[str, None] = field(default_factory=dict)
    """The ids that are not the canonical one of their cluster, in the order they were merged."""

    def of(self, who: str) -> list[str]:
        """The ids of the cluster of an id, the canonical one first. Do not change the list."""
        return self.known.get(who) or [who]

    def canonical(self, who: str) -> str:
        """The canonical id of the cluster of an id."""
        members = self.known.get(who)
        return members[0] if members else who

    def join(self, one: str, other: str) -> Merge | None:
        """Join two clusters; None if they are one cluster already.

        Mixpanel chooses the canonical id, "effectively random"
        (docs/facts/mixpanel-http-api.md#three-identity-systems). Here it is the id with the
        smallest hash: the same one in every order of merges.
        """
        if self.canonical(one) == self.canonical(other):
            return None
        kept, gone = sorted((self.of(one), self.of(other)), key=lambda ids: _rank(ids[0]))
        together = [*kept, *gone]
        self.known |= dict.fromkeys(together, together)
        self.joined[gone[0]] = None
        return Merge(gone[0], kept[0])

    def all(self) -> list[list[str]]:
        """Every cluster of more than one id, in the order its first id was merged."""
        return list({id(members): members for members in self.known.values()}.values())


def _rank(who: str) -> bytes:
    return hashlib.sha256(who.encode(errors="surrogatepass")).digest()
