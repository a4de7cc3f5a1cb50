"""Checks the records of a request: which are accepted, and the reasons against the others."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from mock_mixpanel.backend import Backend
from mock_mixpanel.ingest.regions import misplaced
from mock_mixpanel.ingest.tokens import EVENTS
from mock_mixpanel.ingest.verdicts import validation
from mock_mixpanel.ingest.verdicts.fast_path import PlainCheck, plain_check
from mock_mixpanel.ingest.verdicts.problems import Problem
from mock_mixpanel.log.records import RecordVerdict
from mock_mixpanel.projects.config import MixpanelLimits, Project
from mock_mixpanel.simulation.places import place_of
from mock_mixpanel.state.events.event import IDENTITY_EVENTS, sent_id

MOST_TERMS = 1000
"""Projects whose settings are cached: a token can be any text."""

LONGEST_KEPT_TOKEN = 200
"""Characters of a token up to which anything is cached by it. Real tokens have 32."""


@dataclass(frozen=True, eq=False)
class CheckedRecord:
    """The problems with a record. `note` says which part of an accepted record has no effect.

    Most records of a request share one of these objects, so they are told apart by identity.
    """

    token: str = ""
    problems: Sequence[Problem] = ()
    note: str | None = None
    options: Project | None = None
    place: str = ""
    sender_id: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the record is stored."""
        return not self.problems

    @cached_property
    def worst(self) -> Problem | None:
        """The first problem that the reply reports; a silent drop is answered with success
        (docs/facts/mixpanel-http-api.md#dropped-or-altered-events)."""
        return next((problem for problem in self.problems if not problem.silent), None)

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """The reasons that the journal and the list of rejected records show."""
        return (*(problem.reason for problem in self.problems), *([self.note] if self.note else []))

    def verdict(self, endpoint: str, region: str, now: float) -> RecordVerdict:
        """The verdict that the log keeps."""
        options = self.options or Project(self.token)
        delay = options.alias_delay if endpoint in EVENTS else 0
        return RecordVerdict(
            endpoint,
            self.token,
            region,
            now,
            now + delay,
            self.accepted,
            self.reasons,
            options.identity,
            self.place,
            self.sender_id,
        )


class CheckTerms(NamedTuple):
    """Settings for the checks of all records of a project at an endpoint.

    `plain` is the result for each record that `check` finds plain. None: all records are checked in
    full.
    """

    limits: MixpanelLimits
    options: Project | None
    plain: CheckedRecord
    check: PlainCheck | None


@dataclass
class RecordChecker:
    """Checks the records of one request, at virtual time `now` (seconds).

    `ip` is the control parameter, `sender` the address of the connection.
    """

    backend: Backend
    endpoint: str
    region: str
    now: float
    strict: bool = False
    ip: str | None = None
    sender: str = ""
    terms: dict[str, CheckTerms] = field(default_factory=dict)

    def judge(
        self, records: Sequence[Any], tokens: Sequence[str], *, shallow: bool
    ) -> list[CheckedRecord]:
        """The result for each record; `tokens` are the projects of the records.

        `shallow` says that the records are from `parse_shallow`.
        """
        terms = self.terms = {token: self._terms(token) for token in set(tokens)}
        if not shallow:
            return list(map(self._judged, records, tokens))
        if len(terms) == 1:
            return self._judged_together(records, tokens[0])
        pairs = zip(records, tokens, strict=True)
        return [each for record, token in pairs for each in self._judged_together([record], token)]

    def _judged_together(self, records: Sequence[Any], token: str) -> list[CheckedRecord]:
        """The results for shallow records of one project: most are plain, and share one."""
        _, _, plain, check = self.terms[token]
        if check is None:
            return [self._judged(record, token) for record in records]
        found = check.each(records, self.now)
        if all(found):
            return [plain] * len(records)
        return [
            plain if quick else self._judged(record, token)
            for record, quick in zip(records, found, strict=True)
        ]

    def _terms(self, token: str) -> CheckTerms:
        memo, key = self.backend.memo, (CheckTerms, token, self.endpoint, self.region, self.strict)
        found: CheckTerms | None = memo.get(key)
        if found is None:
            found = self._new_terms(token)
            if len(token) <= LONGEST_KEPT_TOKEN:
                if len(memo) >= MOST_TERMS:
                    memo.clear()
                memo[key] = found
        return found

    def _new_terms(self, token: str) -> CheckTerms:
        limits = self.backend.projects.limits(token)
        options = self.backend.projects.find(token) if token else None
        check = None
        if options and self.endpoint in EVENTS:
            special = options.region not in (None, self.region)
            unnamed = self.endpoint == "/track" and not token
            if not (unnamed or special or options.geo or options.drop_filters):
                check = plain_check(self.endpoint, limits, strict=self.strict)
        return CheckTerms(limits, options, CheckedRecord(token, options=options), check)

    def _judged(self, record: Any, token: str) -> CheckedRecord:
        endpoint, now, strict = self.endpoint, self.now, self.strict
        limits, options, *_ = self.terms[token]
        checks: dict[str, Callable[[], Iterator[Problem]]] = {
            "/track": lambda: validation.event_problems(record, "/track", now, limits),
            "/import": lambda: validation.event_problems(
                record, "/import", now, limits, strict=strict
            ),
            "/engage": lambda: validation.profile_problems(record, limits),
            "/groups": lambda: validation.group_problems(record, limits),
        }
        problems = list(checks[endpoint]())
        if token and options is None:
            problems.append(Problem("token: no such project", silent=True))
        if options and options.region not in (None, self.region):
            problems.append(Problem(misplaced(str(options.region), self.region), silent=True))
        note = None
        if options and not problems and endpoint in EVENTS:
            note = validation.identity_note(record, options.identity)
            if record["event"] == "$create_alias" and options.identity == "legacy":
                problems += validation.alias_problems(record)
            if options.drop_filters:
                problems += validation.filter_problems(record, options.drop_filters)
            note = note or validation.size_note(record["properties"], limits)
            note = note or validation.bucket_note(record["properties"])
        if options and not problems and endpoint == "/groups":
            note = validation.group_note(record, options.group_keys)
        judged = CheckedRecord(token, problems, note, options)
        if judged.accepted and options and endpoint in EVENTS:
            judged = replace(judged, sender_id=self._sender_id(record, options.identity))
        return self._placed(judged, record)

    def _sender_id(self, event: Mapping[str, Any], identity: str) -> str:
        """The distinct id of an event that was sent without one: a hash of the sender's address.

        An empty distinct id is not replaced. Source:
        https://docs.mixpanel.com/troubleshooting/errors/server-side-events-without-a-user
        """
        properties = event["properties"]
        has_id = properties.get("distinct_id") is not None or sent_id(properties, identity)
        if has_id or event["event"] in IDENTITY_EVENTS or not self.sender:
            return ""
        return hashlib.sha256(self.sender.encode(errors="replace")).hexdigest()[:32]

    def _placed(self, judged: CheckedRecord, record: Any) -> CheckedRecord:
        if not (judged.accepted and judged.options and judged.options.geo):
            return judged
        return replace(judged, place=place_of(self.endpoint, record, self.ip, self.sender))
