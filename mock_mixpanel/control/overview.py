"""The overview of a project or of all: troubles first, then totals and the latest traffic."""

from itertools import islice
from typing import Any

from mock_mixpanel.backend import Backend
from mock_mixpanel.control.lists import Query
from mock_mixpanel.control.views import verdicts_of
from mock_mixpanel.ingest.regions import home_in
from mock_mixpanel.simulation.clock import iso

EXAMINED = 200
"""The latest requests that are counted by minute."""
MINUTES = 30
"""Minutes with requests that are shown."""


def overview(backend: Backend, query: Query) -> dict[str, Any]:
    """The problems, totals and latest traffic."""
    projections, token = backend.projections, query.token
    with projections.locked():
        states = projections.states(token, query.region)
        identities = projections.identity_counts(token, query.region)
        reasons = projections.reasons(token, query.region)
        duplicates = 0
        for state in states:
            superseded_by = state.superseded_by(raw=False)
            duplicates += sum(
                superseded_by(event) is not None for event in state.duplicates.candidates()
            )
        due = [state.scheduler.heap[0][0] for state in states if state.scheduler.heap]
        totals = {
            "requests": projections.count_requests(token),
            "records": projections.count_records(token),
            "events": sum(len(state.events) for state in states),
            "profiles": sum(len(state.profiles) for state in states),
            "groups": sum(len(state.groups) for state in states),
        }
    rules = [
        rule for rule in backend.faults.rules if token in (None, rule.match.get("token", token))
    ]
    return {
        "now": iso(backend.clock.now()),
        "frozen": backend.clock.frozen,
        "next_due": iso(min(due)) if due else None,
        "troubles": {
            "rejected": projections.refused(token, query.region),
            "leaks": sum(count.count for reason, count in reasons.items() if home_in([reason])),
            "split_profiles": identities["split_profiles"],
            "duplicate_profiles": identities["duplicate_profiles"],
            "duplicate_events": duplicates,
            "refused_links": identities["refused_links"],
            "pending_links": identities["pending_aliases"],
            "queued": identities["queued"],
            "faults": len(rules),
        },
        "reasons": [
            {"reason": reason, "count": count.count}
            for reason, count in sorted(reasons.items(), key=lambda each: -each[1].count)
        ],
        "totals": totals,
        **_by_minute(backend, query),
    }


def _by_minute(backend: Backend, query: Query) -> dict[str, Any]:
    """Accepted and rejected records of the latest requests, by virtual minute."""
    findings = backend.projections.findings()
    found: dict[int, list[int]] = {}
    examined = 0
    for request in islice(backend.projections.journal(query.token, records=False), EXAMINED):
        minute = int(request.exchange.received_at // 60)
        if minute not in found and len(found) >= MINUTES:
            break
        examined += 1
        counts = found.setdefault(minute, [0, 0])
        verdicts = verdicts_of(request, findings)
        for entry, verdict in zip(request.entries, verdicts, strict=True):
            if query.token in (None, entry.verdict.token):
                counts[verdict == "rejected"] += 1
    return {
        "examined": examined,
        "minutes": [
            {"minute": iso(minute * 60), "accepted": accepted, "rejected": rejected}
            for minute, (accepted, rejected) in sorted(found.items())
        ],
    }
