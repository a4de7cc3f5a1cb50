"""The Flask application factory. The application runs under any WSGI server."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from mock_mixpanel.backend import Backend
from mock_mixpanel.control.api import control_api
from mock_mixpanel.control.parameters import AnyTextConverter
from mock_mixpanel.ingest import replies
from mock_mixpanel.ingest.endpoints import ENDPOINTS, exchange, ingest
from mock_mixpanel.ingest.flask_requests import REGIONS, incoming, respond
from mock_mixpanel.inspector.blueprint import inspector_pages
from mock_mixpanel.inspector.site import MessageReader
from mock_mixpanel.log.stores import StoreError
from mock_mixpanel.projects.config import Config
from mock_mixpanel.readback import PATHS, readback_api
from mock_mixpanel.serving import cors
from mock_mixpanel.serving.guard import PAGES, Access, protect

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
MAX_UNKNOWN_BODY = 1024 * 1024
START_PATHS = ("/", "/_mock", "/_mock/")
"""Paths at which a browser is redirected to the inspector. Other clients get the response of
Mixpanel or of the API."""


def create_app(
    config: Config | None = None,
    *,
    backend: Backend | None = None,
    regions: Mapping[int, str] | None = None,
    access: Access | None = None,
    messages: MessageReader | None = None,
) -> Flask:
    """Make the application.

    `backend` is made from `config` unless it is given. `regions` names the region of each port;
    requests to any other port are for the default region, unless their Host header says otherwise.
    `access` decides who may use the control API and read-back; see `guard`. `messages` reads the
    latest messages of a gateway in the same process; then the pages show them.
    """
    backend = backend or Backend(config)
    app = Flask("mock_mixpanel", static_folder=None)
    app.url_rule_class = _Route
    app.config[REGIONS] = regions or {}
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # It would redirect; clients that POST do not follow.
    app.url_map.converters["text"] = AnyTextConverter
    app.wsgi_app = _SlashMerger(app.wsgi_app)  # type: ignore[method-assign]
    protect(app, access or Access())
    app.register_blueprint(inspector_pages(backend, messages), url_prefix="/_mock/ui")
    app.register_blueprint(control_api(backend), url_prefix="/_mock")
    app.register_blueprint(readback_api(backend))

    for endpoint in ENDPOINTS:
        app.add_url_rule(
            endpoint,
            endpoint.lstrip("/"),
            lambda endpoint=endpoint: _ingest(backend, endpoint),
            methods=["GET", "POST"],
        )

    _add_error_handlers(app, backend)
    _add_hooks(app, backend)
    return app


def _add_error_handlers(app: Flask, backend: Backend) -> None:
    """Answer errors in the form of Mixpanel or of the control API."""

    @app.errorhandler(HTTPException)
    def answer_unknown(error: HTTPException) -> Response:
        if request.path.startswith("/_mock"):
            return respond(replies.app_error(error.code or 500, error.description or error.name))
        return _unknown(backend, error)

    @app.errorhandler(StoreError)
    def answer_without_store(error: StoreError) -> Response:
        if request.path.startswith("/_mock"):
            return respond(replies.app_error(503, str(error)))
        return respond(replies.store_unavailable())


def _add_hooks(app: Flask, backend: Backend) -> None:
    """Redirect browsers to the pages, refresh the settings, and allow cross-origin requests."""

    @app.before_request
    def lead_browser_to_pages() -> Response | None:
        wants_page = "text/html" in request.headers.get("Accept", "")
        if wants_page and request.method == "GET" and request.path in START_PATHS:
            return Response(status=303, headers={"Location": PAGES, "Vary": "Accept"})
        return None

    @app.before_request
    def preflight() -> Response | None:
        if request.method == "OPTIONS":
            return Response(status=204)
        if request.path not in ENDPOINTS:  # Ingestion refreshes when it has to.
            backend.refresh()
        return None

    @app.after_request
    def allow_origin(response: Response) -> Response:
        if cors.is_for_pages(request.path):
            headers, origin = request.headers, request.headers.get("Origin")
            response.headers.update(
                cors.preflight_headers(origin, headers.get("Access-Control-Request-Headers"))
                if request.method == "OPTIONS"
                else cors.response_headers(origin)
            )
        return response


class _Route(Rule):
    """A route that is only matched.

    werkzeug also compiles two functions for each route that build its URL. No page asks for them,
    and for a hundred routes they would take most of the time in which a mock starts.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        return _build_no_url


def _build_no_url(route: Rule, *_: Any) -> tuple[str, str]:
    raise NotImplementedError(f"{route.rule}: url_for is not available; write the path")


def merge_slashes(path: str) -> str:
    """The path with one slash in place of several in a row: base URLs often end in one.

    Under `/_mock` only the first are merged, because a token may contain any text.
    """
    if "//" not in path:
        return path
    path = "/" + path.lstrip("/")
    return path if path.startswith("/_mock/") else re.sub("/{2,}", "/", path)


class _SlashMerger:
    """WSGI middleware that applies `merge_slashes`."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = merge_slashes(environ.get("PATH_INFO", ""))
        answer: Iterable[bytes] = self._application({**environ, "PATH_INFO": path}, start_response)
        return answer


def _ingest(backend: Backend, endpoint: str) -> Response:
    if request.method == "HEAD":  # Mixpanel has no such path; it must not store anything.
        return Response(status=200, content_type=replies.TEXT_TYPE)
    return respond(ingest(backend, endpoint, incoming(backend.config.limits.body_bytes)))


def _unknown(backend: Backend, error: HTTPException) -> Response:
    """Answer an unsupported route with an error, and write it to the journal."""
    if error.code not in (404, 405):
        return respond(replies.app_error(error.code or 500, error.description or error.name))
    reply = replies.app_error(
        501,
        f"{request.method} {request.path} is not available in this mock",
        path=request.path,
        known_paths=[*ENDPOINTS, *PATHS, "/_mock"],
    )
    backend.log.append(exchange(incoming(MAX_UNKNOWN_BODY), reply, backend.clock.now()), [])
    return respond(reply)
