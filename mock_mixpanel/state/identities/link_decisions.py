"""The decisions on the identity events of a project."""

from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.state.identities.links import Link, LinkHistory, LinkLog, named_ids


class LinkDecisions(LinkLog):
    """Identity events that were not refused when they arrived, each with its decision."""

    def __init__(self) -> None:
        super().__init__()
        self.times: dict[int, float] = {}
        """When each identity event arrived (virtual seconds), by entry id."""
        self._last_link: dict[str, int] = {}
        """The entry id of the last link that names an id."""

    def decide(self, entry: LogEntry, link: Link | None, refusal: str = "") -> None:
        """Record the decision on an identity event; `link` is what it linked, or None.

        `refusal` says why it was not linked.
        """
        verdict = entry.verdict
        ids = link or named_ids(entry.record)
        outcome = "linked" if link else "refused" if refusal else "repeated"
        if verdict.reasons and outcome == "repeated":
            outcome, refusal = "ignored", verdict.reasons[0]
        because = 0
        if outcome != "linked":
            because = max(self._last_link.get(each, 0) for each in ids)
        history = LinkHistory(
            ids, entry.id, verdict.received_at, verdict.effective_at, outcome, refusal, because
        )
        self.add(history)
        self.times[entry.id] = verdict.received_at
        if link:
            self._last_link |= dict.fromkeys(link, entry.id)
