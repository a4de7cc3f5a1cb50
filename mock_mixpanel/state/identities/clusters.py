"""Sets of ids that are one person, growing by merges."""

import hashlib
from dataclasses import dataclass, field

from mock_mixpanel.state.identities.links import Merge


@dataclass
class Clusters:
    """Each id belongs to one cluster; one nobody has heard of is a cluster by itself."""

    known: dict[str, list[str]] = field(default_factory=dict)
    """For each id that was merged the ids of its cluster, shared by all of them, canonical first.
    """

    def of(self, who: str) -> list[str]:
        """The ids of somebody's cluster, the canonical one first; not to be changed."""
        return self.known.get(who) or [who]

    def canonical(self, who: str) -> str:
        """The canonical id of somebody's cluster."""
        members = self.known.get(who)
        return members[0] if members else who

    def join(self, one: str, other: str) -> Merge | None:
        """Make one cluster of two; None if they are the same already.

        Mixpanel chooses the canonical id, "effectively random"
        (docs/facts/mixpanel-http-api.md#three-identity-systems). Here it is the id with the
        smallest hash: any of them, but always the same one, in whatever order they are merged.
        """
        if self.canonical(one) == self.canonical(other):
            return None
        kept, gone = sorted((self.of(one), self.of(other)), key=lambda ids: _rank(ids[0]))
        together = [*kept, *gone]
        self.known |= dict.fromkeys(together, together)
        return Merge(gone[0], kept[0])

    def all(self) -> list[list[str]]:
        """Every cluster of more than one id, in the order its first id was merged."""
        return list({id(members): members for members in self.known.values()}.values())


def _rank(who: str) -> bytes:
    return hashlib.sha256(who.encode(errors="surrogatepass")).digest()
