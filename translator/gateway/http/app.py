"""The gateway as an ASGI application: routes, and what all responses have in common.

`/v1/` may be left out, and a slash at the end does not matter: a redirect would lose data, as the
SDKs take it for a success.
"""

import logging
import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote

from translator.gateway.delivery.recent_messages import RecentMessages
from translator.gateway.http.health import health
from translator.gateway.http.inspection import check_reader, recent_messages
from translator.gateway.http.metrics import Metrics
from translator.gateway.http.receiving import DisconnectedError
from translator.gateway.http.responses import Headers, Response, as_json, refusal, success
from translator.gateway.http.tracking import TrackingApi
from translator.gateway.messages.bodies import BadRequestError
from translator.gateway.messages.calls import BATCHES, KINDS
from translator.gateway.messages.segment_limits import SEGMENT, Limits
from translator.gateway.messages.visitor_address import VisitorAddress
from translator.gateway.sources.sources import Sources
from translator.gateway.translation.pool import TranslationPool
from translator.sender.logs import LogEvent

log = logging.getLogger("translator.gateway")

CALLS = {
    f"{prefix}/{name}{slash}": name
    for name in (*KINDS, *BATCHES)
    for prefix in ("/v1", "")
    for slash in ("", "/")
}
"""Path -> the last part of it, for all calls."""

SDK_METRICS = frozenset(["/v1/m", "/m"])
"""Counts that the browser's SDK keeps of itself; they are accepted and ignored."""

SETTINGS_PATH = re.compile(r"(?:/v1)?/projects/([^/]+)/settings")


class Resource(NamedTuple):
    """A resource: its method, its response, and whether pages of every origin may use it."""

    method: str
    respond: Callable[[], Response]
    for_pages: bool = False

    @property
    def methods(self) -> str:
        """The methods that it takes, as in the header Allow."""
        return "POST, OPTIONS" if self.method == "POST" else "GET, HEAD, OPTIONS"


class Gateway:
    """Answers requests.

    `clock` gives seconds since 1970. Each request is logged, at level info, with the seconds that
    it took by `timer`; never its body, its query or a write key. `pool` translates larger requests.
    """

    def __init__(
        self,
        sources: Sources,
        clock: Callable[[], float] = time.time,
        *,
        limits: Limits = SEGMENT,
        visitors: VisitorAddress | None = None,
        recent: RecentMessages | None = None,
        timer: Callable[[], float] = time.perf_counter,
        pool: TranslationPool | None = None,
    ) -> None:
        self._sources = sources
        self._visitors = visitors or VisitorAddress()
        self._recent = recent
        self._timer = timer
        self._metrics = Metrics(lambda: sources.pipelines, pool)
        self._tracking = TrackingApi(sources, self._metrics, clock, limits, self._visitors, pool)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        began = self._timer()
        headers: Headers = dict(scope["headers"])
        for_pages = False
        try:
            name = CALLS.get(scope["path"])
            if name is not None and scope["method"] == "POST":
                for_pages = True
                response = await self._tracking.call(name, scope, headers, receive)
            else:
                route = self._route(name, scope, headers)
                for_pages = route.for_pages
                response = _respond(route, scope)
        except BadRequestError as error:
            response = refusal(error.status, str(error))
        except DisconnectedError:
            return
        except Exception:
            # A defect of the gateway; the address is left out, since it may hold a write key.
            shown = {"method": scope["method"], "path": _shown_path(scope["path"])}
            log.exception(LogEvent("defect", **shown))
            response = refusal(500, "the gateway has failed; its log says more")
        self._metrics.answered(response.status)
        if log.isEnabledFor(logging.INFO):
            _log(scope, response, self._timer() - began)
        raw = [
            (b"content-type", response.content_type),
            (b"content-length", b"%d" % len(response.body)),
            *response.headers,
        ]
        if for_pages and b"origin" in headers:
            raw += _cross_origin(headers)
        await send({"type": "http.response.start", "status": response.status, "headers": raw})
        await send({"type": "http.response.body", "body": response.body})

    def _route(self, name: str | None, scope: Any, headers: Headers) -> Resource:
        """The response to a request that is not a call of Segment's API. Raises BadRequestError."""
        path = scope["path"].rstrip("/")
        if name is not None or path in SDK_METRICS:
            return Resource("POST", success, for_pages=True)
        if path == "/healthz":
            return Resource("GET", self._health)
        if path == "/metrics":
            return Resource("GET", self._prometheus)
        if path == "/_gateway/messages" and self._recent is not None:
            return Resource("GET", lambda: self._messages(scope, headers))
        found = SETTINGS_PATH.fullmatch(path)
        if found:
            write_key = unquote(found[1])
            return Resource(
                "GET", lambda: self._settings(write_key, scope, headers), for_pages=True
            )
        calls = ", ".join(f"/v1/{each}" for each in ("batch", *dict.fromkeys(KINDS.values())))
        raise BadRequestError(404, f"there is no {scope['path']:.100}; known: {calls}, /v1/import")

    def _settings(self, write_key: str, scope: Any, headers: Headers) -> Response:
        """The settings for the browser's SDK: it sends to this gateway only."""
        if self._sources.find(write_key) is None:
            return refusal(404, "this write key is not one of the gateway's")
        host = headers.get(b"host", b"").decode("latin-1")
        peer = scope["client"][0] if scope["client"] else ""
        scheme = scope["scheme"]
        if self._visitors.trusts(peer):
            scheme = headers.get(b"x-forwarded-proto", scheme.encode()).decode("latin-1")
        here = {"apiKey": write_key, "apiHost": f"{host}/v1", "protocol": scheme}
        return as_json({"integrations": {"Segment.io": here}, "plan": {}})

    def _health(self) -> Response:
        status, body = health(self._sources.pipelines)
        return as_json(body, status)

    def _prometheus(self) -> Response:
        return Response(200, self._metrics.text(), self._metrics.CONTENT_TYPE.encode())

    def _messages(self, scope: Any, headers: Headers) -> Response:
        assert self._recent is not None, "the route is there"
        peer = scope["client"][0] if scope["client"] else ""
        visitor = self._visitors.of_request(peer, scope["headers"])
        check_reader(visitor, headers.get(b"host", b"").decode("latin-1"), headers)
        found = as_json(recent_messages(self._recent, scope["query_string"]))
        return found._replace(headers=((b"cache-control", b"no-store"),))


def _respond(route: Resource, scope: Any) -> Response:
    method = scope["method"]
    allow = ((b"allow", route.methods.encode()),)
    if method == "OPTIONS":
        return Response(200, b"", headers=allow)
    if method != route.method and not (method == "HEAD" and route.method == "GET"):
        shown = _shown_path(scope["path"])
        return refusal(405, f"{shown:.100} takes {route.methods}")._replace(headers=allow)
    return route.respond()


def _cross_origin(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers that allow pages of every origin to call the gateway."""
    found = [(b"access-control-allow-origin", b"*"), (b"access-control-max-age", b"600")]
    asked = headers.get(b"access-control-request-headers")
    if asked:
        found.append((b"access-control-allow-headers", asked))
        found.append((b"access-control-allow-methods", b"GET, POST, OPTIONS"))
    return found


def _log(scope: Any, response: Response, seconds: float) -> None:
    said = {"status": response.status, "messages": response.messages, "seconds": round(seconds, 4)}
    log.info(LogEvent("request", method=scope["method"], path=_shown_path(scope["path"]), **said))


def _shown_path(path: str) -> str:
    """The path of a request; a write key in it is hidden even if the rest of it is wrong."""
    return re.sub(r"(?<=projects/)[^/]+", "<write_key>", path)[:200]
