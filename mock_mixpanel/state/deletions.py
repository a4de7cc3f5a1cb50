"""Data deletions (docs/facts/mixpanel-http-api.md#data-deletion-and-retrieval) as entries of the
log.

A request to delete people is an entry that takes effect when its task is processed; a request to
cancel it is another. Everything of those people that arrived until then disappears from the
projections; the log itself and the journal of requests keep it.
"""

from dataclasses import dataclass, field

from mock_mixpanel.log.records import LogEntry

ENDPOINT = "/api/app/data-deletions/v3.0"
RETRIEVALS = "/api/app/data-retrievals/v3.0"
TASKS = (ENDPOINT, RETRIEVALS)


@dataclass
class Erasures:
    """The pending data deletions of one project: due times and ids."""

    pending: dict[str, tuple[float, frozenset[str]]] = field(default_factory=dict)
    """Due time (virtual seconds since 1970) and ids, by tracking id."""

    def learn(self, entry: LogEntry) -> None:
        """Process a request: `{tracking_id, distinct_ids}`, or `{tracking_id, cancel: true}`."""
        task = entry.record
        if task.get("cancel"):
            self.pending.pop(task["tracking_id"], None)
        else:
            ids = frozenset(task["distinct_ids"])
            self.pending[task["tracking_id"]] = (entry.verdict.effective_at, ids)

    def due(self, now: float) -> set[str]:
        """Remove the tasks that are due; returns the ids to delete."""
        done = [key for key, (due, _) in self.pending.items() if due <= now]
        return {who for key in done for who in self.pending.pop(key)[1]}
