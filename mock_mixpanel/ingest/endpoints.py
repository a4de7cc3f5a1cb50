"""/track, /import, /engage and /groups: decode, validate, append to the log, reply.

No state is computed here; the answer depends on the verdicts alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from mock_mixpanel.backend import Backend
from mock_mixpanel.garbage_collection import uncollected
from mock_mixpanel.ingest import authentication, prepared, replies
from mock_mixpanel.ingest.decoding.compression import BodyTooLargeError
from mock_mixpanel.ingest.decoding.records import Decoded, decode
from mock_mixpanel.ingest.http_request import Envelope, Incoming
from mock_mixpanel.ingest.redaction import redacted_text
from mock_mixpanel.ingest.regions import misplaced
from mock_mixpanel.ingest.replies import Reply
from mock_mixpanel.ingest.tokens import import_tokens, sent_tokens, shared_token
from mock_mixpanel.ingest.verdicts.problems import NO_DATA, Problem
from mock_mixpanel.ingest.verdicts.record_checker import CheckedRecord, CheckTerms, RecordChecker
from mock_mixpanel.json_values import flag, identifier
from mock_mixpanel.log.records import Arrival, Exchange
from mock_mixpanel.log.row_codec import Packed, dump, pack
from mock_mixpanel.projects.config import MixpanelLimits
from mock_mixpanel.simulation.faults import FaultRule
from mock_mixpanel.simulation.rate_limits import SentVolume

ENDPOINTS = ("/track", "/import", "/engage", "/groups")

EXCERPT = 1000
"""Characters of a malformed request that the journal keeps."""

MOST_REFUSED = 10_000
"""Records that the log keeps of a request that is refused as a whole: a body may have millions."""


class CheckedRequest(NamedTuple):
    """The checked records, the reply, and the records as JSON if they were sent so.

    `terms` are the terms of the project if the request can be prepared for others with its head.
    `packed` is the row of the request if a `PreparedRequest` gave it; then there are no records.
    """

    records: Sequence[Any]
    judged: Sequence[CheckedRecord]
    reply: Reply
    text: bytes | None = None
    terms: CheckTerms | None = None
    packed: Packed | None = None


def ingest(backend: Backend, endpoint: str, incoming: Incoming) -> Reply:
    """Process one request at an endpoint and append it to the journal; returns the reply.

    A request is judged by this worker's copy of clock, projects and faults; if another worker
    changed that before it is stored, it is judged again.
    """
    while True:
        version = backend.version
        with uncollected():
            if backend.counts:  # Counting changes the settings, and nobody else may meanwhile.
                with backend.exclusive():
                    reply = _ingested(backend, endpoint, incoming, None)
            else:
                reply = _ingested(backend, endpoint, incoming, version)
        if reply:
            return reply
        backend.refresh()


def _ingested(
    backend: Backend, endpoint: str, incoming: Incoming, version: int | None
) -> Reply | None:
    """The reply; None if the settings have another version by now, so that nothing was stored.

    `version` is None if the request counts for faults and rate limits.
    """
    memo, now = backend.memo, backend.clock.now()
    checked = _checked(backend, endpoint, incoming, now, counted=version is None)
    reply, packed = checked.reply, checked.packed
    if packed is None:
        tokens = {each.token for each in checked.judged}
        fault = backend.faults.pick(endpoint, tokens) if version is None else None
        reply, arrival = _recorded(endpoint, incoming, checked, now, fault)
        packed = pack(arrival)
        if checked.terms and not fault:
            prepared.keep(incoming.envelope, memo, checked.terms, reply, arrival)
    return reply if backend.log.append_packed(packed, version) else None


def _recorded(
    endpoint: str, incoming: Incoming, checked: CheckedRequest, now: float, fault: FaultRule | None
) -> tuple[Reply, Arrival]:
    """The reply to a request, which a fault may change, and what is stored."""
    records, judged, reply, text, *_ = checked
    if fault:
        reply = fault.action.answer(endpoint, reply)
        if not fault.action.stores:
            problem = Problem(f"fault {fault.id}: not stored")
            judged = [replace(each, problems=[*each.problems, problem]) for each in judged]
    region = incoming.envelope.region
    verdict = {each: each.verdict(endpoint, region, now) for each in set(judged)}
    verdicts = list(map(verdict.__getitem__, judged))
    exchanged = exchange(incoming, reply, now, fault.id if fault else None)
    return reply, Arrival(exchanged, verdicts, text or dump(records))


def exchange(incoming: Incoming, reply: Reply, now: float, fault: int | None = None) -> Exchange:
    """The journal's entry for a request and its response, without secrets.

    `fault` is the id of the fault rule that acted, if any.
    """
    envelope = incoming.envelope
    return Exchange(
        now,
        envelope.region,
        envelope.method,
        envelope.path,
        *envelope.shown,
        None if reply.cut == "before" else reply.status,
        None if reply.cut == "before" else reply.sent.decode(errors="replace"),
        fault,
    )


def no_request(backend: Backend, region: str, method: str, path: str, reply: Reply) -> None:
    """Journal the known parts of a malformed request, without its query."""
    method, path = (redacted_text(word.partition("?")[0])[:EXCERPT] for word in (method, path))
    incoming = Incoming(Envelope(region, method, path, {}, {}), None)
    backend.log.append(exchange(incoming, reply, backend.clock.now()), [])


def _checked(
    backend: Backend, endpoint: str, incoming: Incoming, now: float, *, counted: bool
) -> CheckedRequest:
    """The result for each record, and the reply; rates are limited if the request is counted."""
    limits = backend.config.limits
    if incoming.broken:
        judged = [CheckedRecord(problems=[Problem(incoming.broken)])]
        return CheckedRequest([None], judged, replies.failure(endpoint, 400))
    try:
        decoded = _decoded(incoming, limits)
    except BodyTooLargeError:
        size = f"{limits.body_bytes} bytes"
        too_large = CheckedRecord(problems=[Problem(f"body: larger than {size}")])
        return CheckedRequest([None], [too_large], _too_large(endpoint, size))
    records, controls = decoded.records, decoded.controls
    strict = endpoint == "/import" and flag(controls.get("strict"))
    if decoded.problem or not records:
        problem = decoded.problem or NO_DATA.reason
        unread = [CheckedRecord(problems=[Problem(problem)])] * len(records)
        if strict:
            return CheckedRequest(records, unread, replies.import_error(400, problem))
        return CheckedRequest(records, unread, _received(decoded.answer, controls))
    shared = ""
    if decoded.shallow and endpoint == "/track":
        found = None if counted else prepared.find(incoming.envelope, backend.memo, decoded)
        packed = found and found.pack(decoded, now)
        if found and packed:
            return CheckedRequest((), (), found.reply, packed=packed)
        shared = shared_token(records)
    tokens: Sequence[str] | None
    if endpoint == "/import":
        tokens = import_tokens(backend, incoming.envelope, controls, records)
    else:
        tokens = [shared] * len(records) if shared else sent_tokens(endpoint, records)
    if tokens is None:
        refused = _unauthorized(backend, incoming, controls, records)
        return CheckedRequest(*refused, replies.import_error(401, "Invalid credentials"))
    sent = SentVolume(now, len(records), decoded.size)
    over = _over_limit(backend, endpoint, tokens, sent, counted=counted)
    if over:
        reason, reply = over
        return CheckedRequest(*_all_refused(endpoint, records, reason), reply)
    ip, sender = controls.get("ip"), incoming.envelope.address
    judge = RecordChecker(backend, endpoint, incoming.envelope.region, now, strict, ip, sender)
    judged = judge.judge(records, tokens, shallow=decoded.shallow)
    if strict:
        return CheckedRequest(records, judged, _strict_reply(records, judged), decoded.text)
    worst = [each.worst for each in dict.fromkeys(judged)]
    error = worst[0].reason if all(worst) and worst[0] else None
    lasting = shared and decoded.text and prepared.has_controls_of_head(incoming.envelope, decoded)
    terms = judge.terms[shared] if lasting else None
    plain = terms if terms and judged.count(terms.plain) == len(judged) else None
    return CheckedRequest(records, judged, _received(error, controls), decoded.text, plain)


def _over_limit(
    backend: Backend, endpoint: str, tokens: Sequence[str], sent: SentVolume, *, counted: bool
) -> tuple[str, Reply] | None:
    """The reason and the reply if a limit of a project refuses the request as a whole."""
    everyone = sorted(set(tokens)) if len(tokens) > 1 else tokens
    for token in everyone:
        limits = backend.projects.limits(token)
        if sent.records > limits.records:
            most = f"{limits.records} records"
            return f"request: more than {most}", _too_large(endpoint, most)
        if sent.size > limits.body_bytes:
            most = f"{limits.body_bytes} bytes"
            return f"body: larger than {most}", _too_large(endpoint, most)
    for token in everyone if counted and backend.projects.rated else ():
        reason = backend.rates.exceeded(token, backend.projects.limits(token), sent)
        if reason:
            return reason, replies.failure(endpoint, 429)
    return None


def _decoded(incoming: Incoming, limits: MixpanelLimits) -> Decoded:
    if incoming.body is None:
        raise BodyTooLargeError
    return decode(
        incoming.envelope.query,
        *incoming.envelope.content,
        incoming.body,
        max_bytes=limits.body_bytes,
        max_depth=limits.json_depth,
    )


def _unauthorized(
    backend: Backend, incoming: Incoming, controls: Mapping[str, str], records: Sequence[Any]
) -> tuple[Sequence[Any], Sequence[CheckedRecord]]:
    """The refused records of an import without a valid credential.

    With the credential of a project of another region they are a leak.
    """
    credential = authentication.read_basic(incoming.envelope.header("Authorization"))
    project_id = controls.get("project_id", "")
    project = authentication.project_of(credential, project_id, None, backend.projects.known())
    if project and project.region:
        problems = [Problem(misplaced(project.region, incoming.envelope.region))]
        return records, [CheckedRecord(project.token, problems)] * len(records)
    return _all_refused("/import", records, "auth: no valid credential for this project")


def _all_refused(
    endpoint: str, records: Sequence[Any], reason: str
) -> tuple[Sequence[Any], Sequence[CheckedRecord]]:
    """The records that are kept of a request that is refused as a whole, each with the reason."""
    problems, rest = [Problem(reason)], len(records) - MOST_REFUSED
    records = records[:MOST_REFUSED]
    judged = [CheckedRecord(token, problems) for token in sent_tokens(endpoint, records)]
    if rest <= 0:
        return records, judged
    return [*records, f"{rest} more records"], [*judged, CheckedRecord(problems=problems)]


def _strict_reply(records: Sequence[Any], judged: Sequence[CheckedRecord]) -> Reply:
    failed = []
    for index, (record, each) in enumerate(zip(records, judged, strict=True)):
        worst = each.problems and each.worst
        if worst:
            field, message = worst.strict()
            entry = {"index": index, "insert_id": _insert_id(record)}
            failed.append({**entry, "field": field, "message": message})
    count = len(judged) - len(failed)
    return replies.import_failed(failed, count) if failed else replies.imported(count)


def _insert_id(record: Any) -> str:
    properties = record.get("properties") if isinstance(record, dict) else None
    return identifier(properties.get("$insert_id")) if isinstance(properties, dict) else ""


def _received(error: str | None, controls: Mapping[str, str]) -> Reply:
    if not controls:
        return replies.received(error)
    return replies.received(
        error,
        flag(controls.get("verbose")),
        controls.get("callback", ""),
        flag(controls.get("img")),
    )


def _too_large(endpoint: str, most: str) -> Reply:
    """413. The real response of the token routes to too many records is unknown (choice)."""
    if endpoint == "/import":
        return replies.import_error(413, f"request exceeds max limit of {most}")
    return replies.too_large_page()
