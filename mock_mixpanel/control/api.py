"""The `/_mock` API: reading journal and state, and steering clock, faults and projects."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from flask import Blueprint, Response, request

from mock_mixpanel import __version__
from mock_mixpanel.backend import World
from mock_mixpanel.control import openapi
from mock_mixpanel.control.parameters import (
    ControlError,
    count,
    json_body,
    moment_of,
    object_body,
    part_asked,
)
from mock_mixpanel.ingest.problems import Finding
from mock_mixpanel.ingest.regions import home_in
from mock_mixpanel.ingest.replies import JSON_TYPE, to_json
from mock_mixpanel.log.records import Entry, Journaled
from mock_mixpanel.log.row_codec import Row, exchange_of, journaled
from mock_mixpanel.projects.config import ConfigError
from mock_mixpanel.simulation.clock import iso
from mock_mixpanel.simulation.fault_actions import FaultError
from mock_mixpanel.state.json_cache import array, pieces
from mock_mixpanel.state.list_items import Item

Findings = Mapping[int, Finding]


class Control:
    """The calls, by name; each gives something to answer as JSON."""

    def __init__(self, world: World) -> None:
        self.world = world

    def health(self) -> Any:
        """Ready to take requests."""
        return {"status": "ok", "version": __version__, "now": iso(self.world.clock.now())}

    def openapi(self) -> Any:
        """What is served, as OpenAPI."""
        return openapi.document()

    def reset(self) -> Any:
        """Forget everything, or one project."""
        body = object_body(("token",))
        token = body.get("token")
        if "token" in body and (not isinstance(token, str) or not token):
            raise ControlError("token: expected a text; leave it out to forget everything")
        self.world.reset(token)
        return {"status": "ok"}

    def requests(self) -> Any:
        """The journal."""
        findings = self.world.projections.findings()
        part = part_asked()
        rows = self.world.log.rows(part.after, request.args.get("token"))
        found = part.of(Received(row) for row in rows)
        return (_journal_item(journaled(each.row), findings) for each in found)

    def events(self) -> Any:
        """Events as queries see them; `raw=1`: every row."""
        raw = request.args.get("raw", "0") not in ("", "0", "false")
        token = request.args.get("token")
        return Pieces(self.world.projections.event_texts(token, raw=raw, part=part_asked()))

    def profiles(self) -> Any:
        """Profiles of people."""
        return self._state("profiles")

    def groups(self) -> Any:
        """Profiles of groups."""
        return self._state("groups")

    def rejected(self) -> Any:
        """Records refused, dropped in silence, or without effect."""
        findings = self.world.projections.findings()
        found = self.world.projections.rejected(request.args.get("token"))
        items = (
            Item(
                each.id,
                each.verdict.received_at,
                each.verdict.token,
                _rejected_item(each, findings),
            )
            for each in found
        )
        return (item.value for item in part_asked().of(items))

    def leaks(self) -> Any:
        """Records sent to another region than their project's, with that as `home`."""
        found = self.world.projections.rejected(request.args.get("token"))
        items = (
            Item(
                each.id,
                each.verdict.received_at,
                each.verdict.token,
                _rejected_item(each, {}, home=home),
            )
            for each in found
            if (home := home_in(each.verdict.reasons))
        )
        return (item.value for item in part_asked().of(items))

    def identities(self) -> Any:
        """Clusters, and what is pending, split, duplicate and queued."""
        return self.world.projections.identities(request.args.get("token"))

    def clock(self) -> Any:
        """The virtual clock."""
        clock = self.world.clock
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
            self.world.clock.change(now=now, advance=advance, freeze=freeze)
        except ValueError as error:
            raise ControlError(str(error)) from error
        return self.clock()

    def faults(self) -> Any:
        """The rules and how often they acted."""
        return self.world.faults.shown()

    def add_faults(self) -> Any:
        """One rule, or several in a list; answers those made."""
        body = json_body()
        try:
            rules = self.world.faults.add(*_as_list(body))
        except FaultError as error:
            raise ControlError(str(error)) from error
        return [rule.shown() for rule in rules]

    def delete_faults(self) -> Any:
        """All rules, or the one of `id`."""
        number = request.args.get("id")
        if number is None:
            self.world.faults.forget(None)
        elif not self.world.faults.remove(count("id", number) or 0):
            raise ControlError(f"id: no fault {number}; GET /_mock/faults lists them", 404)
        return {"status": "ok"}

    def project(self, token: str) -> Any:
        """The options of a project."""
        project = self.world.projects.find(token)
        if project is None:
            raise ControlError(f"project {token!r} is not known; PUT its options to make it", 404)
        return project.shown()

    def put_project(self, token: str) -> Any:
        """Set options of a project."""
        try:
            return self.world.change_project(token, object_body(None)).shown()
        except ConfigError as error:
            raise ControlError(str(error)) from error

    def _state(self, kind: str) -> Any:
        found = self.world.projections.items(kind, request.args.get("token"))
        return (item.value for item in part_asked().of(found))


ROUTES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("GET", "health", Control.health),
    ("GET", "openapi.json", Control.openapi),
    ("POST", "reset", Control.reset),
    ("GET", "requests", Control.requests),
    ("GET", "events", Control.events),
    ("GET", "profiles", Control.profiles),
    ("GET", "groups", Control.groups),
    ("GET", "rejected", Control.rejected),
    ("GET", "leaks", Control.leaks),
    ("GET", "identities", Control.identities),
    ("GET", "clock", Control.clock),
    ("POST", "clock", Control.set_clock),
    ("GET", "faults", Control.faults),
    ("POST", "faults", Control.add_faults),
    ("DELETE", "faults", Control.delete_faults),
    ("GET", "projects/<path:token>", Control.project),
    ("PUT", "projects/<path:token>", Control.put_project),
)


def control_api(world: World) -> Blueprint:
    """All calls as a blueprint."""
    api, control = Blueprint("control", __name__), Control(world)
    for number, (method, path, call) in enumerate(ROUTES):
        api.add_url_rule(f"/{path}", f"call-{number}", _view(control, call), methods=[method])

    @api.errorhandler(ControlError)
    def refuse(error: ControlError) -> Response:
        return _answer({"error": str(error), **error.more}, error.status)

    @api.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
    @api.route("/<path:path>", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
    def unknown(path: str) -> Response:
        known = [f"{method} /_mock/{path}" for method, path, _ in ROUTES]
        raise ControlError(f"no {request.method} {request.path}", 404, known_paths=known)

    return api


def _view(control: Control, call: Callable[..., Any]) -> Callable[..., Response]:
    return lambda **arguments: _answer(call(control, **arguments))


def _answer(value: Any, status: int = 200) -> Response:
    if isinstance(value, Iterator):
        value = Pieces(pieces(value))
    if isinstance(value, Pieces):
        return Response(array(value.texts), status, content_type=JSON_TYPE)
    return Response(to_json(value), status, content_type=JSON_TYPE)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Pieces(NamedTuple):
    """The members of a list, as JSON text already."""

    texts: Iterator[bytes]


class Received(NamedTuple):
    """A request of the journal, not unpacked before somebody asks for the time or for more."""

    row: Row

    @property
    def id(self) -> int:
        return self.row.id

    @property
    def at(self) -> float:
        return exchange_of(self.row).received_at


def _journal_item(request: Journaled, findings: Findings) -> dict[str, Any]:
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
                "accepted": _accepted(entry, findings),
                "reasons": _reasons(entry, findings),
            }
            for entry in request.entries
        ],
    }


def _rejected_item(entry: Entry, findings: Findings, **more: str) -> dict[str, Any]:
    return {
        "id": entry.id,
        "request_id": entry.request_id,
        "index": entry.index,
        "token": entry.verdict.token,
        "region": entry.verdict.region,
        "endpoint": entry.verdict.endpoint,
        "record": entry.record,
        "reasons": _reasons(entry, findings),
        **more,
    }


def _reasons(entry: Entry, findings: Findings) -> list[str]:
    found = findings.get(entry.id)
    return [*entry.verdict.reasons, *([found.reason] if found else [])]


def _accepted(entry: Entry, findings: Findings) -> bool:
    found = findings.get(entry.id)
    return entry.verdict.accepted and not (found and found.refused)
