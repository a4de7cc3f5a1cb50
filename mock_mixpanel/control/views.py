"""Requests and records of the log as the control API shows them, and as a search sees them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mock_mixpanel.control.search_terms import Subject, text_of
from mock_mixpanel.json_values import identifier
from mock_mixpanel.log.records import Exchange, Journaled, LogEntry
from mock_mixpanel.simulation.clock import iso
from mock_mixpanel.state.findings import Finding
from mock_mixpanel.state.lists.record_status import RecordStatus
from mock_mixpanel.state.lists.references import References, about, kind_of

Findings = Mapping[int, Finding]

REQUEST_FIELDS = (
    *("endpoint", "method", "status", "fault", "sender", "verdict", "reason", "kind", "event"),
    *("id", "key", "token", "region", "request", "record", "since", "until"),
)
RECORD_FIELDS = (*REQUEST_FIELDS, "fate")
ITEM_FIELDS = ("id", "key", "token", "region", "event", "record", "since", "until")
"""The fields of a search that apply to requests, to records, and to events, profiles and groups."""

MARKS = {"accepted": "a", "noted": "n", "rejected": "r"}
MOST_MARKS = 500
ID_NAMES = (
    *("distinct_id", "alias", "$device_id", "$user_id", "$identified_id", "$anon_id"),
    *("$anon_distinct_id", "$distinct_id", "$group_id", "distinct_ids", "$distinct_ids"),
)
"""Members of a record that hold ids."""
OPERATIONS_WITH_VALUES = ("$set", "$set_once", "$add", "$union", "$append", "$remove")


def request_item(request: Journaled, findings: Findings) -> dict[str, Any]:
    """A request as the list of requests shows it."""
    exchange = request.exchange
    return {
        "id": request.id,
        "received_at": iso(exchange.received_at),
        "region": exchange.region,
        "method": exchange.method,
        "path": exchange.path,
        "query": exchange.query,
        "headers": exchange.headers,
        "payload": [entry.record for entry in request.entries],
        "response": {"status": exchange.status, "body": exchange.body},
        "verdicts": [
            {
                "index": entry.index,
                "accepted": accepted(entry, findings),
                "reasons": reasons(entry, findings),
            }
            for entry in request.entries
        ],
    }


def request_summary(request: Journaled, findings: Findings) -> dict[str, Any]:
    """A request without payload, headers and answer.

    `marks` has a character for each of the first records: `a` accepted, `n` accepted with a note,
    `r` rejected.
    """
    exchange = request.exchange
    verdicts = verdicts_of(request, findings)
    rejected = verdicts.count("rejected")
    return {
        "id": request.id,
        "received_at": iso(exchange.received_at),
        "region": exchange.region,
        "method": exchange.method,
        "path": exchange.path,
        "status": exchange.status,
        "tokens": sorted(each for each in request.tokens if each),
        "sender": exchange.headers.get("User-Agent"),
        "fault": exchange.fault,
        "records": len(verdicts),
        "accepted": len(verdicts) - rejected,
        "noted": verdicts.count("noted"),
        "rejected": rejected,
        "marks": "".join(map(MARKS.__getitem__, verdicts[:MOST_MARKS])),
        "url": f"/_mock/requests/{request.id}",
    }


def record_item(
    entry: LogEntry, status: RecordStatus, findings: Findings, references: References
) -> dict[str, Any]:
    """A record with its verdict and its status."""
    return {
        **references.record(entry),
        "token": entry.verdict.token,
        "region": entry.verdict.region,
        "accepted": accepted(entry, findings),
        "reasons": reasons(entry, findings),
        "fate": status,
        "record": entry.record,
    }


def rejected_item(
    entry: LogEntry, findings: Findings, references: References, **more: str
) -> dict[str, Any]:
    """A record that was refused or dropped, or that has a note."""
    return {
        "id": entry.id,
        "request_id": entry.request_id,
        "index": entry.index,
        "token": entry.verdict.token,
        "region": entry.verdict.region,
        "endpoint": entry.verdict.endpoint,
        "record": entry.record,
        "reasons": reasons(entry, findings),
        "accepted": accepted(entry, findings),
        "received_at": iso(entry.verdict.received_at),
        "url": f"/_mock/records/{entry.id}",
        "request_url": f"/_mock/requests/{entry.request_id}",
        **more,
    }


def reasons(entry: LogEntry, findings: Findings) -> list[str]:
    """Why a record was refused or dropped, or what of it has no effect."""
    found = findings.get(entry.id)
    return [*entry.verdict.reasons, *([found.reason] if found else [])]


def accepted(entry: LogEntry, findings: Findings) -> bool:
    """Whether a record was stored and has an effect."""
    found = findings.get(entry.id)
    return entry.verdict.accepted and not (found and found.refused)


def verdicts_of(request: Journaled, findings: Findings) -> list[str]:
    """The verdict on each record of a request, computed once for those that share it."""
    entries = {id(entry.verdict): entry for entry in request.entries}
    shared = {key: verdict_of(entry, {}) for key, entry in entries.items()}
    found = [shared[id(entry.verdict)] for entry in request.entries]
    if findings:
        for place, entry in enumerate(request.entries):
            if entry.id in findings:
                found[place] = verdict_of(entry, findings)
    return found


def verdict_of(entry: LogEntry, findings: Findings) -> str:
    """`accepted`, `noted` (accepted with a reason) or `rejected`."""
    if not accepted(entry, findings):
        return "rejected"
    return "noted" if reasons(entry, findings) else "accepted"


def request_subjects(request: Journaled, findings: Findings) -> Iterator[Subject]:
    """The search subjects of a request: each record with the request, or the request alone."""
    if not request.entries:
        yield _request_subject(request)
    for entry in request.entries:
        yield record_subject(request, entry, findings)


def record_subject(
    request: Journaled, entry: LogEntry, findings: Findings, status: RecordStatus | None = None
) -> Subject:
    """The search subject of a record and its request."""
    verdict = verdict_of(entry, findings)
    shown = about(entry)
    record = entry.record if isinstance(entry.record, dict) else {}
    return Subject(
        {
            **_request_subject(request).values,
            "verdict": lambda: ["accepted", "noted"] if verdict == "noted" else [verdict],
            "reason": lambda: reasons(entry, findings),
            "kind": lambda: [shown["kind"]],
            "event": lambda: [shown["name"]] if shown["kind"] == "event" and shown["name"] else [],
            "id": lambda: ids_in(record),
            "key": lambda: [identifier(record.get("$group_key"))],
            "token": lambda: [entry.verdict.token],
            "record": lambda: [entry.id],
            "fate": lambda: [status["state"]] if status else [],
        },
        properties_of(entry),
        lambda: text_of(entry.record),
        entry.verdict.received_at,
    )


def _request_subject(request: Journaled) -> Subject:
    exchange = request.exchange
    return Subject(
        {
            "endpoint": lambda: [exchange.path, exchange.path.rstrip("/")],
            "method": lambda: [exchange.method],
            "status": lambda: [] if exchange.status is None else [exchange.status],
            "fault": lambda: ["no" if exchange.fault is None else "yes"],
            "sender": lambda: [exchange.headers.get("User-Agent", "")],
            "region": lambda: [exchange.region],
            "request": lambda: [request.id],
        },
        {},
        lambda: _exchange_text(exchange),
        exchange.received_at,
    )


def _exchange_text(exchange: Exchange) -> str:
    return f"{exchange.method} {exchange.path} {text_of(exchange.query)} {exchange.body or ''}"


def item_subject(value: Mapping[str, Any], ids: Sequence[str], number: int, at: float) -> Subject:
    """The search subject of a stored event, a profile or a group, as its list shows it."""
    return Subject(
        {
            "id": lambda: ids,
            "key": lambda: [value.get("group_key", "")],
            "token": lambda: [value["token"]],
            "region": lambda: [value["region"]],
            "event": lambda: [value["event"]] if "event" in value else [],
            "record": lambda: [number],
        },
        value["properties"],
        lambda: text_of(value),
        at,
    )


def ids_in(record: Mapping[str, Any]) -> list[str]:
    """All ids that a record names."""
    properties = record.get("properties")
    found: list[str] = []
    for holder in (record, properties if isinstance(properties, dict) else {}):
        for name in ID_NAMES:
            value = holder.get(name)
            found += map(identifier, value if isinstance(value, list) else [value])
    return [each for each in found if each]


def properties_of(entry: LogEntry) -> Mapping[str, Any]:
    """The properties of an event, or those that an update names."""
    record = entry.record
    if not isinstance(record, dict):
        return {}
    if kind_of(entry) == "event":
        properties = record.get("properties")
        return properties if isinstance(properties, dict) else {}
    found: dict[str, Any] = {}
    for operation in OPERATIONS_WITH_VALUES:
        value = record.get(operation)
        found |= value if isinstance(value, dict) else {}
    unset = record.get("$unset")
    names = unset if isinstance(unset, list) else []
    return found | {name: None for name in names if isinstance(name, str)}
