"""The routes of Segment's Tracking API, as its SDKs call them.

Every call is answered `{"success": true}` once its messages are in the spool. `/v1/` may be left
out, and a slash at the end does not matter: a redirect would lose data, as the SDKs take it for
a success.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable, Collection
from typing import Any

from flask import Flask, Response, g, jsonify, request

from translator.gateway.calls import (
    BATCHES,
    KINDS,
    MAX_BODY_BYTES,
    BadRequestError,
    messages_of,
    read_body,
    write_key_of,
)
from translator.gateway.intake import Intake
from translator.gateway.metrics import Metrics
from translator.sender.logs import LogEvent

log = logging.getLogger("translator.gateway")

RETRY_SECONDS = "1"


def create_app(
    intake: Intake,
    clock: Callable[[], float],
    *,
    write_keys: Collection[str] = (),
    alive: Callable[[], bool] = lambda: True,
    timer: Callable[[], float] = time.perf_counter,
) -> Flask:
    """The gateway as a WSGI application.

    `clock` gives seconds since 1970. Without `write_keys` every write key is taken, and none too.
    `alive` tells whether the sender is at work. Each request is logged, at level info, with the
    seconds that it took by `timer`; never its body, its query or a write key.
    """
    app = _Flask("translator.gateway", static_folder=None)
    app.url_map.strict_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    metrics = Metrics(intake)

    @app.before_request
    def begin() -> None:
        g.began = timer()
        g.messages = 0

    def call(name: str) -> Response:
        received_ms = int(clock() * 1000)
        body = read_body(request.get_data(cache=False), request.headers.get("Content-Encoding", ""))
        user = request.authorization.username if request.authorization else None
        if write_keys and write_key_of(user, body) not in write_keys:
            raise BadRequestError(401, "this write key is not one of the gateway's")
        messages = messages_of(name, body, received_ms, lambda: f"gateway-{uuid.uuid4()}")
        g.messages = len(messages)
        if request.headers.get("Origin"):
            _add_address(messages, request.remote_addr)
        try:
            taken = intake.accept(messages)
        except RecursionError:
            raise BadRequestError(400, "a message is nested too deep to be kept") from None
        if not taken.room:
            answer = _answer(503, "too much is waiting; send it again")
            answer.headers["Retry-After"] = RETRY_SECONDS
            return answer
        metrics.duplicates.inc(taken.duplicates)
        return _answer(200)

    for name in (*KINDS, *BATCHES):
        for path in (f"/v1/{name}/", f"/{name}/"):
            app.add_url_rule(path, path, call, methods=["POST"], defaults={"name": name})

    @app.get("/v1/projects/<write_key>/settings/")
    @app.get("/projects/<write_key>/settings/")
    def settings(write_key: str) -> Response:
        """What the browser's SDK asks before it sends: to send here, and nowhere else."""
        if write_keys and write_key not in write_keys:
            raise BadRequestError(404, "this write key is not one of the gateway's")
        here = {"apiHost": f"{request.host}/v1", "protocol": request.scheme}
        return jsonify({"integrations": {"Segment.io": {"apiKey": write_key, **here}}, "plan": {}})

    @app.post("/v1/m/")
    @app.post("/m/")
    def sdk_metrics() -> Response:
        """Counts that the browser's SDK keeps of itself; nobody needs them here."""
        return _answer(200)

    @app.get("/healthz/")
    def health() -> tuple[Response, int]:
        """Whether the gateway does its work."""
        working = alive()
        status = "ok" if working else "the sender has stopped; see the log"
        return jsonify({"status": status, "waiting": intake.waiting()}), 200 if working else 503

    @app.get("/metrics/")
    def metrics_page() -> Response:
        return Response(metrics.text(), content_type=metrics.CONTENT_TYPE)

    @app.errorhandler(BadRequestError)
    def bad_request(error: BadRequestError) -> Response:
        return _answer(error.status, str(error))

    @app.errorhandler(404)
    def unknown(error: Any) -> Response:
        known = ", ".join(f"/v1/{name}" for name in ("batch", *dict.fromkeys(KINDS.values())))
        return _answer(404, f"there is no {request.path:.100}; known: {known}, /v1/import")

    @app.errorhandler(413)
    def too_long(error: Any) -> Response:
        return _answer(413, f"the body is longer than {MAX_BODY_BYTES} bytes; send less")

    @app.after_request
    def finish(answer: Response) -> Response:
        """Let pages of every origin call, count the answer, and log it."""
        if request.headers.get("Origin"):
            answer.headers["Access-Control-Allow-Origin"] = "*"
            answer.headers["Access-Control-Max-Age"] = "600"
            asked = request.headers.get("Access-Control-Request-Headers")
            if asked:
                answer.headers["Access-Control-Allow-Headers"] = asked
                answer.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        metrics.requests.labels(str(answer.status_code)).inc()
        if log.isEnabledFor(logging.INFO):
            _log_request(answer.status_code, timer() - g.began)
        return answer

    return app


class _Flask(Flask):
    def log_exception(self, exc_info: Any) -> None:
        """A defect of ours, without the address, which may hold a write key."""
        log.error(LogEvent("defect", method=request.method, path=_shown_path()), exc_info=exc_info)


def _answer(status: int, problem: str | None = None) -> Response:
    answer = jsonify({"success": True} if problem is None else {"success": False, "error": problem})
    answer.status_code = status
    return answer


def _log_request(status: int, seconds: float) -> None:
    said = {"status": status, "messages": g.messages, "seconds": round(seconds, 4)}
    log.info(LogEvent("request", method=request.method, path=_shown_path(), **said))


def _shown_path() -> str:
    """The path of the request; a write key in it is hidden even if the rest of it is wrong."""
    return re.sub(r"(?<=projects/)[^/]+", "<write_key>", request.path)[:200]


def _add_address(messages: list[Any], address: str | None) -> None:
    """A page does not know its visitor's address; Segment adds it, and so do we."""
    for message in messages:
        if isinstance(message, dict) and address:
            context = message.setdefault("context", {})
            if isinstance(context, dict):
                message["context"] = {"ip": address, **context}
