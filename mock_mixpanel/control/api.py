"""The `/_mock` API: reads journal and state, and controls clock, faults and projects."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Response, request

from mock_mixpanel.backend import Backend
from mock_mixpanel.control.calls import Control, Pieces
from mock_mixpanel.control.openapi import query_names
from mock_mixpanel.control.parameters import (
    ControlError,
    unknown_name,
)
from mock_mixpanel.ingest.replies import JSON_TYPE
from mock_mixpanel.json_values import to_json
from mock_mixpanel.state.lists.json_cache import array, pieces

_CONVERTER = re.compile(r"<\w+(\(.*?\))?:")
"""The type of a parameter in a route, which an error message leaves out."""

ROUTES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("GET", "health", Control.health),
    ("GET", "openapi.json", Control.openapi),
    ("POST", "reset", Control.reset),
    ("GET", "overview", Control.overview),
    ("GET", "requests", Control.requests),
    ("GET", "requests/<int(max=999999999999999999):number>", Control.request),
    ("GET", "records", Control.records),
    ("GET", "records/<int(max=999999999999999999):number>", Control.record),
    ("GET", "events", Control.events),
    ("GET", "events/<int(max=999999999999999999):number>", Control.event),
    ("GET", "profiles", Control.profiles),
    ("GET", "groups", Control.groups),
    ("GET", "person", Control.person),
    ("GET", "group", Control.group),
    ("GET", "rejected", Control.rejected),
    ("GET", "reasons", Control.reasons),
    ("GET", "leaks", Control.leaks),
    ("GET", "identities", Control.identities),
    ("GET", "changes", Control.changes),
    ("GET", "clock", Control.clock),
    ("POST", "clock", Control.set_clock),
    ("GET", "faults", Control.faults),
    ("POST", "faults", Control.add_faults),
    ("DELETE", "faults", Control.delete_faults),
    ("GET", "projects", Control.projects),
    ("GET", "projects/<text:token>", Control.project),
    ("PUT", "projects/<text:token>", Control.put_project),
)


def control_api(backend: Backend) -> Blueprint:
    """All calls as a blueprint."""
    api, control = Blueprint("control", __name__), Control(backend)
    for number, (method, path, call) in enumerate(ROUTES):
        api.add_url_rule(f"/{path}", f"call-{number}", _view(control, call), methods=[method])

    @api.before_request
    def check_query() -> None:
        """Refuse a query name that the call does not have: a misspelled filter shows everything."""
        if request.args and request.url_rule is not None:
            known = query_names(request.method, request.url_rule.rule)
            for name in request.args if known is not None else ():
                if name not in (known or ()):
                    raise ControlError(unknown_name(name, known or ()))

    @api.errorhandler(ControlError)
    def refuse(error: ControlError) -> Response:
        return _answer({"error": str(error), **error.more}, error.status)

    @api.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
    @api.route("/<text:path>", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
    def unknown(path: str) -> Response:
        known = [f"{method} /_mock/{_CONVERTER.sub('<', path)}" for method, path, _ in ROUTES]
        problem = f"there is no {request.method} {request.path}"
        raise ControlError(problem, 404, known_paths=known)

    return api


def _view(control: Control, call: Callable[..., Any]) -> Callable[..., Response]:
    return lambda **arguments: _answer(call(control, **arguments))


def _answer(value: Any, status: int = 200) -> Response:
    if isinstance(value, Iterator):
        value = Pieces(pieces(value))
    if isinstance(value, Pieces):
        return Response(array(value.texts), status, content_type=JSON_TYPE)
    return Response(to_json(value), status, content_type=JSON_TYPE)
