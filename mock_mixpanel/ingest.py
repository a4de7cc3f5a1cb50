"""/track, /import, /engage and /groups: decode, validate, append, answer.

No state is computed here; the answer depends on the verdicts alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from mock_mixpanel import auth, replies, validate
from mock_mixpanel.config import Limits, Project
from mock_mixpanel.geo import place_of
from mock_mixpanel.packing import dump
from mock_mixpanel.problems import NO_DATA, Problem
from mock_mixpanel.rates import Sent
from mock_mixpanel.records import Arrival, Exchange, Verdict
from mock_mixpanel.redact import redacted_headers, redacted_query
from mock_mixpanel.regions import misplaced
from mock_mixpanel.replies import Reply
from mock_mixpanel.transport import Decoded, TooLargeError, decode, flag
from mock_mixpanel.values import identifier
from mock_mixpanel.world import World

ENDPOINTS = ("/track", "/import", "/engage", "/groups")

MOST_REFUSED = 10_000
"""How many records of a request that is refused as a whole are kept: a body may have millions."""


@dataclass(frozen=True)
class Incoming:
    """An HTTP request; `address` is its sender's.

    `body` None means that it is larger than the limit, or that it did not arrive whole: then
    `broken` says why.
    """

    region: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None
    address: str = ""
    broken: str = ""

    def header(self, name: str) -> str:
        """A header, whatever the case of its name; "" if it is not there."""
        return next((v for k, v in self.headers.items() if k.lower() == name.lower()), "")


@dataclass(frozen=True)
class Judged:
    """A record with its problems; `note` says what of an accepted one has no effect."""

    record: Any
    token: str = ""
    problems: Sequence[Problem] = ()
    note: str | None = None
    options: Project | None = None
    place: str = ""

    @property
    def accepted(self) -> bool:
        """Whether it is stored."""
        return not self.problems

    @property
    def worst(self) -> Problem | None:
        """The first problem the answer tells of; a silent drop is answered as success (1.6)."""
        return next((problem for problem in self.problems if not problem.silent), None)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What the journal and the list of rejected records say."""
        return (*(problem.reason for problem in self.problems), *([self.note] if self.note else []))


def ingest(world: World, endpoint: str, incoming: Incoming) -> Reply:
    """Take in one request at an endpoint, journal it, and say what to answer.

    A request is judged by what this worker knows of clock, projects and faults; if another worker
    changed that before it is stored, it is judged again.
    """
    while True:
        if world.counts:
            with world.exclusive():
                reply = _ingested(world, endpoint, incoming)
        else:
            reply = _ingested(world, endpoint, incoming)
        if reply:
            return reply
        world.refresh()


def _ingested(world: World, endpoint: str, incoming: Incoming) -> Reply | None:
    """The answer; None if the request has to be judged again."""
    now = world.clock.now()
    judged, reply, records = _taken(world, endpoint, incoming, now)
    fault = world.faults.pick(endpoint, {each.token for each in judged})
    if fault:
        reply = fault.action.answer(endpoint, reply)
        if not fault.action.stores:
            problem = Problem(f"fault {fault.id}: not stored")
            judged = [replace(each, problems=[*each.problems, problem]) for each in judged]
    verdicts = [_verdict(each, endpoint, incoming.region, now) for each in judged]
    if records is None:
        records = dump([each.record for each in judged])
    arrival = Arrival(exchange(incoming, reply, now), verdicts, records)
    return reply if world.log.take(arrival, world.version) else None


def exchange(incoming: Incoming, reply: Reply, now: float) -> Exchange:
    """What the journal keeps of a request and its answer, without secrets."""
    return Exchange(
        now,
        incoming.region,
        incoming.method,
        incoming.path,
        redacted_query(incoming.query),
        redacted_headers(incoming.headers),
        None if reply.cut == "before" else reply.status,
        None if reply.cut == "before" else reply.sent.decode(errors="replace"),
    )


class Taken(NamedTuple):
    """The records with their verdicts, the answer, and the records as JSON if they came so."""

    judged: list[Judged]
    reply: Reply
    text: bytes | None = None


def _taken(world: World, endpoint: str, incoming: Incoming, now: float) -> Taken:
    limits = world.config.limits
    if incoming.broken:
        judged = [Judged(None, problems=[Problem(incoming.broken)])]
        return Taken(judged, replies.failure(endpoint, 400))
    try:
        decoded = _decoded(incoming, limits)
    except TooLargeError:
        size = f"{limits.body_bytes} bytes"
        too_large = Problem(f"body: larger than {size}")
        return Taken([Judged(None, problems=[too_large])], _too_large(endpoint, size))
    records, controls = decoded.records, decoded.controls
    strict = endpoint == "/import" and flag(controls.get("strict"))
    if decoded.problem or not records:
        problem = decoded.problem or NO_DATA.reason
        judged = [Judged(record, problems=[Problem(problem)]) for record in records]
        if strict:
            return Taken(judged, replies.import_error(400, problem))
        return Taken(judged, _received(NO_DATA.reason, controls))
    tokens: Sequence[str] | None = [_sent_token(endpoint, record) for record in records]
    if endpoint == "/import":
        tokens = _import_tokens(world, incoming, controls, records)
    if tokens is None:
        judged = _unauthorized(world, incoming, controls, records)
        return Taken(judged, replies.import_error(401, "Invalid credentials"))
    over = _over_limit(world, endpoint, tokens, Sent(now, len(records), decoded.size))
    if over:
        reason, reply = over
        return Taken(_all_refused(endpoint, records, reason), reply)
    judged = [
        _judged(world, endpoint, incoming.region, record, token, now, strict)
        for record, token in zip(records, tokens, strict=True)
    ]
    judged = [_placed(each, endpoint, controls.get("ip"), incoming.address) for each in judged]
    if strict:
        return Taken(judged, _strict_reply(judged), decoded.text)
    worst = [each.worst for each in judged]
    error = worst[0].reason if all(worst) and worst[0] else None
    return Taken(judged, _received(error, controls), decoded.text)


def _over_limit(
    world: World, endpoint: str, tokens: Sequence[str], sent: Sent
) -> tuple[str, Reply] | None:
    """Why a request is refused as a whole by a limit of a project it is for, and the answer."""
    everyone = sorted(set(tokens))
    for limits in map(world.projects.limits, everyone):
        if sent.records > limits.records:
            most = f"{limits.records} records"
            return f"request: more than {most}", _too_large(endpoint, most)
        if sent.size > limits.body_bytes:
            most = f"{limits.body_bytes} bytes"
            return f"body: larger than {most}", _too_large(endpoint, most)
    for token in everyone:
        reason = world.rates.exceeded(token, world.projects.limits(token), sent)
        if reason:
            return reason, replies.failure(endpoint, 429)
    return None


def _decoded(incoming: Incoming, limits: Limits) -> Decoded:
    if incoming.body is None:
        raise TooLargeError
    return decode(
        incoming.query,
        incoming.header("Content-Type"),
        incoming.header("Content-Encoding"),
        incoming.body,
        max_bytes=limits.body_bytes,
        max_depth=limits.json_depth,
    )


def _sent_token(endpoint: str, record: Any) -> str:
    if endpoint in ("/track", "/import"):
        return auth.record_token(record)
    token = record.get("$token") if isinstance(record, dict) else None
    return token if isinstance(token, str) else ""


def _import_tokens(
    world: World, incoming: Incoming, controls: Mapping[str, str], records: Sequence[Any]
) -> list[str] | None:
    credential = auth.read_basic(incoming.header("Authorization"))
    project_id = controls.get("project_id", "")
    known = world.projects.known()
    project = auth.project_of(credential, project_id, incoming.region, known)
    if project:
        return [project.token] * len(records)
    if auth.project_of(credential, project_id, None, known):
        return None
    guarded = {each.token: each for each in known if each.guarded}
    strict = world.config.strict_projects
    return auth.tokens_by_record(credential, project_id, records, guarded, strict)


def _unauthorized(
    world: World, incoming: Incoming, controls: Mapping[str, str], records: Sequence[Any]
) -> list[Judged]:
    """The records of an import that is a 401; with the credential of another region, a leak."""
    credential = auth.read_basic(incoming.header("Authorization"))
    project_id = controls.get("project_id", "")
    project = auth.project_of(credential, project_id, None, world.projects.known())
    if project and project.region:
        problems = [Problem(misplaced(project.region, incoming.region))]
        return [Judged(record, project.token, problems) for record in records]
    return _all_refused("/import", records, "auth: no valid credential for this project")


def _judged(
    world: World, endpoint: str, region: str, record: Any, token: str, now: float, strict: bool
) -> Judged:
    limits = world.projects.limits(token)
    checks: dict[str, Callable[[], Iterator[Problem]]] = {
        "/track": lambda: validate.event_problems(record, "/track", now, limits),
        "/import": lambda: validate.event_problems(record, "/import", now, limits, strict=strict),
        "/engage": lambda: validate.profile_problems(record, limits),
        "/groups": lambda: validate.group_problems(record, limits),
    }
    problems = list(checks[endpoint]())
    options = world.projects.find(token) if token else None
    if token and options is None:
        problems.append(Problem("token: no such project", silent=True))
    if options and options.region not in (None, region):
        problems.append(Problem(misplaced(str(options.region), region), silent=True))
    note = None
    if options and not problems and endpoint in ("/track", "/import"):
        note = validate.identity_note(record, options.identity)
        if record["event"] == "$create_alias" and options.identity == "legacy":
            problems += validate.alias_problems(record)
        if options.drop_filters:
            problems += validate.filter_problems(record, options.drop_filters)
        note = note or validate.size_note(record["properties"], limits)
        note = note or validate.bucket_note(record["properties"])
    if options and not problems and endpoint == "/groups":
        note = validate.group_note(record, options.group_keys)
    return Judged(record, token, problems, note, options)


def _placed(judged: Judged, endpoint: str, ip: str | None, sender: str) -> Judged:
    if not (judged.accepted and judged.options and judged.options.geo):
        return judged
    return replace(judged, place=place_of(endpoint, judged.record, ip, sender))


def _verdict(judged: Judged, endpoint: str, region: str, now: float) -> Verdict:
    options = judged.options or Project(judged.token)
    delay = options.alias_delay if endpoint in ("/track", "/import") else 0
    return Verdict(
        endpoint,
        judged.token,
        region,
        received_at=now,
        effective_at=now + delay,
        accepted=judged.accepted,
        reasons=judged.reasons,
        identity=options.identity,
        place=judged.place,
    )


def _all_refused(endpoint: str, records: Sequence[Any], reason: str) -> list[Judged]:
    problems, rest = [Problem(reason)], len(records) - MOST_REFUSED
    judged = [
        Judged(record, _sent_token(endpoint, record), problems) for record in records[:MOST_REFUSED]
    ]
    return [*judged, Judged(f"{rest} more records", problems=problems)] if rest > 0 else judged


def _strict_reply(judged: Sequence[Judged]) -> Reply:
    failed = []
    for index, each in enumerate(judged):
        if each.worst:
            field, message = each.worst.strict()
            entry = {"index": index, "insert_id": _insert_id(each.record)}
            failed.append({**entry, "field": field, "message": message})
    count = len(judged) - len(failed)
    return replies.import_failed(failed, count) if failed else replies.imported(count)


def _insert_id(record: Any) -> str:
    properties = record.get("properties") if isinstance(record, dict) else None
    return identifier(properties.get("$insert_id")) if isinstance(properties, dict) else ""


def _received(error: str | None, controls: Mapping[str, str]) -> Reply:
    return replies.received(
        error,
        flag(controls.get("verbose")),
        controls.get("callback", ""),
        flag(controls.get("img")),
    )


def _too_large(endpoint: str, most: str) -> Reply:
    """The real answer of the token routes to too many records is unknown; 413 is a choice."""
    if endpoint == "/import":
        return replies.import_error(413, f"request exceeds max limit of {most}")
    return replies.too_large_page()
