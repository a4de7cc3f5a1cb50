"""The Flask application factory."""

from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException

from mock_mixpanel.backend import World
from mock_mixpanel.control.api import control_api
from mock_mixpanel.ingest import replies
from mock_mixpanel.ingest.endpoints import ENDPOINTS, exchange, ingest
from mock_mixpanel.ingest.flask_requests import incoming, respond
from mock_mixpanel.projects.config import Config
from mock_mixpanel.readback import PATHS, readback_api

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
MAX_UNKNOWN_BODY = 1024 * 1024


def create_app(config: Config | None = None, *, world: World | None = None) -> Flask:
    """The application; `world` is made from `config` unless it is given."""
    world = world or World(config)
    app = Flask("mock_mixpanel", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.register_blueprint(control_api(world), url_prefix="/_mock")
    app.register_blueprint(readback_api(world))

    for endpoint in ENDPOINTS:
        app.add_url_rule(
            endpoint,
            endpoint.lstrip("/"),
            lambda endpoint=endpoint: _take(world, endpoint),
            methods=["GET", "POST"],
        )

    @app.errorhandler(HTTPException)
    def answer_unknown(error: HTTPException) -> Response:
        if request.path.startswith("/_mock"):
            return respond(replies.app_error(error.code or 500, error.description or error.name))
        return _unknown(world, error)

    @app.before_request
    def preflight() -> Response | None:
        if request.method == "OPTIONS":
            return _preflight(request)
        if request.path not in ENDPOINTS:  # they look for themselves
            world.refresh()
        return None

    @app.after_request
    def allow_origin(response: Response) -> Response:
        origin = request.headers.get("Origin")
        if origin and not request.path.startswith("/_mock"):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
            response.headers["Vary"] = "Origin"
        return response

    return app


def _take(world: World, endpoint: str) -> Response:
    if request.method == "HEAD":  # Unknown in reality; it must not store anything.
        return Response(status=200, content_type=replies.TEXT_TYPE)
    reply = ingest(world, endpoint, incoming(world.config.limits.body_bytes))
    return respond(reply, world.sleep)


def _unknown(world: World, error: HTTPException) -> Response:
    """What is not built answers so, and is in the journal: never a success that stores nothing."""
    if error.code not in (404, 405):
        return respond(replies.app_error(error.code or 500, error.description or error.name))
    reply = replies.app_error(
        501,
        f"{request.method} {request.path} is not available in this mock",
        path=request.path,
        known_paths=[*ENDPOINTS, *PATHS, "/_mock"],
    )
    world.log.append(exchange(incoming(MAX_UNKNOWN_BODY), reply, world.clock.now()), [])
    return respond(reply)


def _preflight(asked: Request) -> Response:
    """What browsers ask first; the real list of headers is unknown, so all are allowed (choice)."""
    headers = asked.headers.get(
        "Access-Control-Request-Headers", "authorization, traceparent, content-type"
    )
    response = Response(status=204)
    response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = headers
    return response
