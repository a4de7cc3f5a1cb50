"""Mixpanel's query side and the endpoints around it, as one table of routes.

Everything is read from the projections and the log, so another store can stand behind them; what is
written (deletions, retrievals, lookup tables) is an entry of the log. Each request is in the
journal, with the beginning of its answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from flask import Blueprint, Response, request

from mock_mixpanel.backend import Backend
from mock_mixpanel.ingest import replies
from mock_mixpanel.ingest.endpoints import exchange
from mock_mixpanel.ingest.flask_requests import incoming, respond
from mock_mixpanel.ingest.replies import Reply
from mock_mixpanel.readback.access import UNAUTHENTICATED, CallError
from mock_mixpanel.readback.calls import QUERY_LIMIT, ReadbackCall, ReadbackResponse
from mock_mixpanel.readback.data.engage import query
from mock_mixpanel.readback.data.export import export
from mock_mixpanel.readback.management import app_api, gdpr, lookup_tables, saved
from mock_mixpanel.readback.reports import (
    event_properties,
    events,
    funnels,
    profile_reports,
    retention,
    segmentation,
)
from mock_mixpanel.readback.sdk import feature_flags, sdk_endpoints
from mock_mixpanel.simulation.fault_actions import Action

JOURNALED = 4000
"""Bytes of a response that the journal keeps."""

Handler = Callable[..., ReadbackResponse]
Failing = Callable[[ReadbackCall, CallError], Reply]


class ReadbackRoute(NamedTuple):
    """Methods, path, handler, form of an error, and the largest body in bytes.

    `takes` says that the request holds data of people or things, which leaks in the wrong region.
    """

    methods: str
    path: str
    handler: Handler
    failed: Failing
    max_body: int = 10 * 1024 * 1024
    takes: bool = False


def _query_error(call: ReadbackCall, error: CallError) -> Reply:
    return replies.query_error(error.status, call.request_line, str(error))


def _app_error(call: ReadbackCall, error: CallError) -> Reply:
    return replies.app_error(error.status, str(error))


def _import_error(call: ReadbackCall, error: CallError) -> Reply:
    return replies.import_error(error.status, str(error))


REPORTS: Mapping[str, Handler] = {
    "annotations": saved.old_annotations,
    "cohorts/list": saved.list_cohorts,
    "engage/properties": profile_reports.properties,
    "engage/revenue": profile_reports.revenue,
    "events": events.counts,
    "events/names": events.names,
    "events/properties": event_properties.counts,
    "events/properties/top": event_properties.top_properties,
    "events/properties/values": event_properties.top_values,
    "events/top": events.top_events,
    "funnels": funnels.funnel,
    "funnels/list": funnels.list_funnels,
    "retention": retention.retention,
    "segmentation": segmentation.segmentation,
    "segmentation/average": segmentation.averages,
    "segmentation/sum": segmentation.sums,
}
"""The reports, by their path under `/api/query` and under its older base `/api/2.0`."""


def routes() -> list[ReadbackRoute]:
    """All routes."""
    deletion, retrieval = f"{gdpr.DELETIONS}/<task_id>", f"{gdpr.RETRIEVALS}/<task_id>"
    data_groups = "/api/app/projects/<project_id>/data-groups"
    annotations = "/api/app/projects/<project_id>/annotations"
    credentials = "/api/app/validate-project-credentials"
    table = f"{lookup_tables.PATH}/<table_id>"
    largest = lookup_tables.MAX_BYTES
    return [
        ReadbackRoute("GET POST", "/api/2.0/export", export, _query_error),
        ReadbackRoute("GET POST", "/api/2.0/engage", query, _query_error),
        ReadbackRoute("GET POST", "/api/query/engage", query, _query_error),
        *(
            ReadbackRoute(
                "GET POST" if path == "cohorts/list" else "GET",
                f"{base}/{path}",
                handler,
                _query_error,
            )
            for path, handler in REPORTS.items()
            for base in ("/api/query", "/api/2.0")
        ),
        ReadbackRoute("GET", annotations, saved.list_annotations, _app_error),
        ReadbackRoute("GET", f"{annotations}/<annotation_id>", saved.annotation, _app_error),
        ReadbackRoute("GET", "/api/app/me", app_api.me, _app_error),
        ReadbackRoute("GET", data_groups, app_api.list_data_groups, _app_error),
        ReadbackRoute("POST", credentials, app_api.validate_credentials, _app_error),
        ReadbackRoute("POST", gdpr.DELETIONS, gdpr.create_deletion, _app_error, takes=True),
        ReadbackRoute("GET", deletion, gdpr.deletion, _app_error),
        ReadbackRoute("DELETE", deletion, gdpr.cancel_deletion, _app_error),
        ReadbackRoute("POST", gdpr.RETRIEVALS, gdpr.create_retrieval, _app_error, takes=True),
        ReadbackRoute("GET", retrieval, gdpr.retrieval, _app_error),
        ReadbackRoute("GET", f"{retrieval}/data", gdpr.retrieved, _app_error),
        ReadbackRoute("GET", lookup_tables.PATH, lookup_tables.list_tables, _import_error),
        ReadbackRoute(
            "PUT", table, lookup_tables.replace_table, _import_error, largest, takes=True
        ),
        ReadbackRoute("GET POST", "/flags", feature_flags.flags, _app_error),
        ReadbackRoute("GET", "/flags/definitions", feature_flags.definitions, _app_error),
        ReadbackRoute(
            "POST", "/flags/<flag_id>/first-time-events", feature_flags.first_time_event, _app_error
        ),
        ReadbackRoute("POST", "/record", sdk_endpoints.record, _app_error),
        ReadbackRoute("GET", "/settings", sdk_endpoints.settings, _app_error),
        ReadbackRoute("GET POST", "/decide", sdk_endpoints.decide, _app_error),
    ]


PATHS = tuple(dict.fromkeys(route.path for route in routes()))
"""The known paths, for the response to an unknown one."""


def readback_api(backend: Backend) -> Blueprint:
    """All routes as a blueprint."""
    api = Blueprint("readback", __name__)
    for number, route in enumerate(routes()):
        view = _view(backend, route)
        api.add_url_rule(route.path, f"route-{number}", view, methods=route.methods.split())
    return api


def _view(backend: Backend, route: ReadbackRoute) -> Callable[..., Response]:
    def view(**arguments: str) -> Response:
        host_url = request.host_url.rstrip("/")
        call = ReadbackCall(backend, incoming(route.max_body), backend.clock.now(), host_url)
        try:
            answer = route.handler(call, **arguments)
        except CallError as error:
            reply = replace(route.failed(call, error), headers=error.headers)
            leaks = [call.leak(error.home)] if route.takes and error.home else []
            answer = ReadbackResponse(reply, leaks)
        fault = backend.faults.pick(call.envelope.path, call.tokens)
        if fault:
            answer = _after_fault(call, route, fault.action, answer)
        kept = replace(answer.reply, body=answer.reply.body[:JOURNALED])
        acted = fault.id if fault else None
        backend.log.append(exchange(call.incoming, kept, call.now, acted), answer.drafts)
        return _response(answer)

    return view


def _after_fault(
    call: ReadbackCall, route: ReadbackRoute, action: Action, answer: ReadbackResponse
) -> ReadbackResponse:
    """The answer as a fault makes it; a bare status comes in the envelope of the route."""
    whole = answer.reply
    if answer.chunks is not None:
        whole = replace(whole, body=b"".join(answer.chunks))
    fault = action.data.get("store_then", action.data)
    status = fault.get("status", 0)
    if status >= 400 and status not in (502, 503) and "body" not in fault:
        failed = route.failed(call, CallError(status, _said(call, route, status)))
        reply = replace(failed, headers=fault.get("headers", {}), delay=action.delay)
    else:
        reply = action.answer(call.envelope.path, whole)
    return ReadbackResponse(reply, answer.drafts if action.stores else ())


def _said(call: ReadbackCall, route: ReadbackRoute, status: int) -> str:
    """The text of Mixpanel for a status: known for query routes
    (docs/facts/mixpanel-http-api.md#raw-export,
    docs/facts/mixpanel-http-api.md#engage-query), else its name."""
    if route.failed is _query_error and status == 401:
        return UNAUTHENTICATED
    if route.failed is _query_error and status == 429:
        return QUERY_LIMIT % (call.params.get("project_id") or "0", 61, 60)
    return replies.words(status)


def _response(answer: ReadbackResponse) -> Response:
    response = respond(answer.reply)
    if answer.chunks is not None:
        response.response = answer.chunks
        del response.headers["Content-Length"]
    return response
