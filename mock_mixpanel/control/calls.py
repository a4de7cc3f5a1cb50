"""The calls of the `/_mock` API."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from flask import request

from mock_mixpanel import __version__
from mock_mixpanel.backend import Backend
from mock_mixpanel.control import openapi
from mock_mixpanel.control.lists import Query
from mock_mixpanel.control.overview import overview
from mock_mixpanel.control.parameters import (
    ControlError,
    count,
    flag,
    json_body,
    moment_of,
    object_body,
    part_asked,
    query_asked,
    region_asked,
    required_text,
    seconds_of,
    token_in_path,
    whole_number,
)
from mock_mixpanel.control.people import PeopleReader
from mock_mixpanel.control.reading import LogReader
from mock_mixpanel.control.views import ITEM_FIELDS, RECORD_FIELDS, REQUEST_FIELDS, request_item
from mock_mixpanel.log.change_watch import KnownPosition, WatchResult
from mock_mixpanel.log.row_codec import Row, exchange_of, journaled
from mock_mixpanel.projects.config import ConfigError
from mock_mixpanel.simulation.clock import iso
from mock_mixpanel.simulation.fault_actions import FaultError

WATCH_KEY = "mock_mixpanel.watch"
"""In the WSGI environment: a callable that lets the server wait for a change of a `KnownPosition`.

The server then calls the application again, with the result under `WATCH_RESULT_KEY`. Without it
the call waits in its thread.
"""


WATCH_RESULT_KEY = "mock_mixpanel.watch_result"


MOST_RECORDS = 1000
"""Records that are listed without `limit`."""


class Control:
    """The calls of the API; each returns a value for a JSON response."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.reading, self.people = LogReader(backend), PeopleReader(backend)

    def health(self) -> Any:
        """Ready to take requests."""
        return {"status": "ok", "version": __version__, "now": iso(self.backend.clock.now())}

    def openapi(self) -> Any:
        """The OpenAPI description."""
        return openapi.document()

    def reset(self) -> Any:
        """Forget everything, or one project."""
        body = object_body(("token",))
        token = body.get("token")
        if "token" in body and (not isinstance(token, str) or not token):
            raise ControlError("token: expected a text; leave it out to forget everything")
        self.backend.reset(token)
        return {"status": "ok"}

    def requests(self) -> Any:
        """The journal: in full, or as summaries."""
        query = self._query(REQUEST_FIELDS)
        summary = flag("summary")
        if query.backwards or summary or query.search.tests or query.region:
            return self.reading.requests(query, summary=summary)
        findings = self.backend.projections.findings()
        rows = self.backend.log.rows(query.after, query.token)
        found = part_asked().of(Received(row) for row in rows)
        return (request_item(journaled(each.row), findings) for each in found)

    def request(self, number: int) -> Any:
        """One request with all of its records."""
        return _found(self.reading.request(number), f"request {number}", "requests")

    def records(self) -> Any:
        """Every record that arrived, with verdict and status."""
        return self.reading.records(self._query(RECORD_FIELDS, most=MOST_RECORDS))

    def record(self, number: int) -> Any:
        """One record with its verdict and status."""
        return _found(self.reading.record(number), f"record {number}", "records")

    def events(self) -> Any:
        """Events as queries see them; `raw=1`: every row."""
        query, raw = self._query(ITEM_FIELDS), flag("raw")
        if query.paged or query.search.tests or query.region:
            return self.reading.events(query, raw=raw)
        texts = self.backend.projections.event_texts(query.token, raw=raw, part=part_asked())
        return Pieces(texts)

    def event(self, number: int) -> Any:
        """One event with its status; an update is shown as well."""
        return _found(self.reading.event(number), f"event {number}", "events")

    def profiles(self) -> Any:
        """Profiles of people."""
        return self._stored("profiles")

    def groups(self) -> Any:
        """Profiles of groups."""
        return self._stored("groups")

    def person(self) -> Any:
        """One person: properties, history, activity and identity."""
        who = required_text("id")
        found = self.people.person(self._query(()), who)
        return _found(found, f"person {who!r}", "profiles")

    def group(self) -> Any:
        """One group: properties, history and members."""
        key, who = required_text("key"), required_text("id")
        found = self.people.group(self._query(()), key, who)
        return _found(found, f"group {who!r} of {key!r}", "groups")

    def rejected(self) -> Any:
        """Records refused, dropped in silence, or without effect."""
        return self.reading.rejected(self._query(REQUEST_FIELDS), reason=request.args.get("reason"))

    def overview(self) -> Any:
        """Troubles, totals and the latest traffic."""
        return overview(self.backend, self._query(()))

    def reasons(self) -> Any:
        """The reasons against records, with counts and examples."""
        return self.reading.reasons(self._query(()))

    def leaks(self) -> Any:
        """Records sent to another region than their project's, with that as `home`."""
        return self.reading.leaks(self._query(REQUEST_FIELDS))

    def identities(self) -> Any:
        """Clusters, links, and what is pending, split, duplicate and queued."""
        arguments = request.args
        return self.backend.projections.identities(
            arguments.get("token"), region_asked(), arguments.get("id")
        )

    def changes(self) -> Any:
        """Waits until something is new."""
        wait = seconds_of("wait", 0)
        known = KnownPosition(whole_number("after"), whole_number("version"), wait)
        result = request.environ.get(WATCH_RESULT_KEY)
        if result is None:
            result = self._watched(known)
        return {
            "last": result.position.last,
            "version": result.position.version,
            "changed": result.changed,
            "waited": result.waited,
            **self.clock(),
        }

    def _watched(self, known: KnownPosition) -> WatchResult:
        """Wait here, or let the server wait if it can do that without a thread."""
        if known.seconds <= 0 or (known.last is None and known.version is None):
            return self.backend.changes.now(known)
        let_server_wait = request.environ.get(WATCH_KEY)
        if let_server_wait is None:
            return self.backend.changes.wait(known)
        let_server_wait(known)
        return self.backend.changes.now(known)

    def clock(self) -> Any:
        """The virtual clock."""
        clock = self.backend.clock
        return {"now": iso(clock.now()), "frozen": clock.frozen}

    def set_clock(self) -> Any:
        """Set, advance, freeze, or several at once."""
        body = object_body(("now", "advance", "freeze"))
        if not body:
            raise ControlError("clock: give now, advance or freeze")
        freeze, advance = body.get("freeze"), body.get("advance", 0)
        if "freeze" in body and not isinstance(freeze, bool):
            raise ControlError("freeze: expected true or false")
        if isinstance(advance, bool) or not isinstance(advance, int | float):
            raise ControlError("advance: expected a number of seconds")
        now = moment_of("now", body["now"]) if "now" in body else None
        try:
            self.backend.clock.change(now=now, advance=advance, freeze=freeze)
        except ValueError as error:
            raise ControlError(str(error)) from error
        return self.clock()

    def faults(self) -> Any:
        """The rules and how often they acted."""
        return self.backend.faults.shown()

    def add_faults(self) -> Any:
        """Add one rule, or several in a list; returns the new rules."""
        body = json_body()
        try:
            rules = self.backend.faults.add(*_as_list(body))
        except FaultError as error:
            raise ControlError(str(error)) from error
        return [rule.shown() for rule in rules]

    def delete_faults(self) -> Any:
        """Remove all rules, or the rule of `id`."""
        number = request.args.get("id")
        if number is None:
            self.backend.faults.forget(None)
        elif not self.backend.faults.remove(count("id", number) or 0):
            raise ControlError(f"id: no fault {number}; GET /_mock/faults lists them", 404)
        return {"status": "ok"}

    def project(self, token: str) -> Any:
        """The options of a project."""
        token = token_in_path("/projects/")
        project = self.backend.projects.find(token)
        if project is None:
            raise ControlError(f"project {token!r} is not known; PUT its options to create it", 404)
        return project.shown()

    def put_project(self, token: str) -> Any:
        """Set options of a project."""
        token = token_in_path("/projects/")
        try:
            return self.backend.change_project(token, object_body(None)).shown()
        except ConfigError as error:
            raise ControlError(str(error)) from error

    def projects(self) -> Any:
        """All projects, with counts."""
        return self.people.projects()

    def _query(self, applicable: Sequence[str], most: int | None = None) -> Query:
        return query_asked(self.backend.clock.now(), applicable, most=most)

    def _stored(self, kind: str) -> Any:
        query = self._query(ITEM_FIELDS)
        if query.paged or query.search.tests or query.region:
            return self.reading.stored(kind, query)
        found = self.backend.projections.items(kind, query.token)
        return (item.value for item in part_asked().of(found))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Pieces(NamedTuple):
    """The members of a list as JSON text."""

    texts: Iterator[bytes]


class Received(NamedTuple):
    """A request of the journal that is parsed only when needed."""

    row: Row

    @property
    def id(self) -> int:
        return self.row.id

    @property
    def at(self) -> float:
        return exchange_of(self.row).received_at


def _found(value: Any, what: str, where: str) -> Any:
    """A single item. Raises ControlError 404 if it does not exist."""
    if value is None:
        raise ControlError(f"there is no {what}; GET /_mock/{where} lists what there is", 404)
    return value
