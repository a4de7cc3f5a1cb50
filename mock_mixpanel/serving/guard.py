"""Protection of the control API and of read-back from foreign web pages and from the network.

A page of any origin can make its visitor's browser send requests to this machine. Three checks keep
such a page from reading or changing anything (ingestion and SDK start-up stay open to it, as
Mixpanel's are; see `cors`):

1. The Host header must be a name that a foreign page cannot have. That stops DNS rebinding, where
   the page's own name is resolved to this machine and all requests are of the same origin.
2. A request that another site's page caused is refused, by `Sec-Fetch-Site` or else by `Origin`.
   Following a link to a page is allowed.
3. If the mock listens on more than loopback, `/_mock` also needs a token: in a cookie that the
   printed link sets, or as `Authorization: Bearer`.
"""

import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urlencode, urlsplit

from flask import Flask, Response, request
from werkzeug.sansio.utils import host_is_trusted

from mock_mixpanel.ingest import replies
from mock_mixpanel.ingest.flask_requests import respond
from mock_mixpanel.ingest.replies import Reply
from mock_mixpanel.serving import cors

CONTROL = "/_mock"
"""The control API and its pages."""

PAGES = "/_mock/ui/"
"""The start page of the inspector."""

OPEN_PATHS = ("/_mock/health",)
"""Need no token: a container's health check sends no token, and the response holds no data."""

TOKEN_PARAMETER = "control_token"  # noqa: S105 - a name

_TRUSTED_NAMES = ("localhost", ".localhost", ".mixpanel.com")
_NAME_WITHOUT_DOT = re.compile(r"[a-z0-9_-]{1,63}")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_OWN_SITES = ("same-origin", "none")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Of every response under `/_mock`, unless it has its own."""


@dataclass(frozen=True)
class Access:
    """Who may use the control API and read-back.

    `hosts` are Host names to accept besides those that are always safe; one that starts with a dot
    allows all its subdomains. `token` is the token that the control API requires, or None.
    """

    hosts: tuple[str, ...] = ()
    token: str | None = None

    @classmethod
    def of(cls, bound_to: str, hosts: Iterable[str] = (), token: str | None = None) -> Self:
        """The access to a server that is bound to a host.

        Unless that is a loopback address, a token is made up if none is given.
        """
        made = None if is_loopback(bound_to) else secrets.token_urlsafe(24)
        return cls((bound_to.lower(), *(host.lower() for host in hosts)), token or made)

    def trusts(self, host: str) -> bool:
        """Whether a Host header is a name of this server that a foreign page cannot have.

        Trusted are IP addresses, names under `localhost`, names without a dot (as services in a
        compose network have, but no name in public DNS), Mixpanel's own names, and `hosts`.
        """
        name = urlsplit(f"//{host.lower()}").hostname if _is_authority(host) else None
        if name is None:
            return False
        if _NAME_WITHOUT_DOT.fullmatch(name) or _is_address(name):
            return True
        return host_is_trusted(name, (*_TRUSTED_NAMES, *self.hosts))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that is bound to a host."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_foreign(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a page of another origin caused a request.

    Browsers send `Sec-Fetch-Site` to https and to this machine, and `Origin` with every request
    that may change something. Programs other than browsers send neither.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        follows_link = (
            method in _SAFE_METHODS
            and headers.get("Sec-Fetch-Mode") == "navigate"
            and headers.get("Sec-Fetch-Dest") == "document"
        )
        return site not in _OWN_SITES and not follows_link
    origin = headers.get("Origin")
    return origin is not None and origin.partition("://")[2] != headers.get("Host")


def protect(app: Flask, access: Access) -> None:
    """Let an application check each request for the control API or read-back."""

    @app.before_request
    def check() -> Response | None:
        control = request.path == CONTROL or request.path.startswith(f"{CONTROL}/")
        if not control and (request.blueprint != "readback" or cors.is_for_pages(request.path)):
            return None
        refusal = _refusal(access)
        if refusal or not control or not access.token or request.path.rstrip("/") in OPEN_PATHS:
            return respond(refusal) if refusal else None
        return _check_token(access.token)

    @app.after_request
    def add_headers(response: Response) -> Response:
        if request.path.startswith(CONTROL):
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
        return response


def _refusal(access: Access) -> Reply | None:
    """The response to a request that a foreign page may have caused; None if it did not."""
    host = request.headers.get("Host")
    if host is not None and not access.trusts(host):
        return replies.app_error(
            403, f"the Host {host[:200]!r} is not trusted; add it with --allow-host"
        )
    if is_foreign(request.method, dict(request.headers)):
        return replies.app_error(
            403, "a page of another origin caused this request; only ingestion is open to pages"
        )
    return None


def _check_token(token: str) -> Response | None:
    """None if the request has the token. A link with the token sets the cookie."""
    cookie = f"mock_mixpanel_{request.environ['SERVER_PORT']}"
    given = request.args.get(TOKEN_PARAMETER)
    if given is not None and request.method == "GET" and _same(given, token):
        rest = [each for each in request.args.items(multi=True) if each[0] != TOKEN_PARAMETER]
        target = quote(request.path) + (f"?{urlencode(rest)}" if rest else "")
        response = Response(status=303, headers={"Location": target})
        response.set_cookie(
            cookie,
            token,
            path=CONTROL,
            secure=request.is_secure,
            httponly=True,
            samesite="Strict",
        )
        return response
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and _same(bearer.strip(), token):
        return None
    if _same(request.cookies.get(cookie, ""), token):
        return None
    response = respond(
        replies.app_error(
            401,
            "the control API needs its token: open the link that the mock printed at start, or send"
            " it as 'Authorization: Bearer TOKEN'",
        )
    )
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), token.encode(errors="replace"))


def _is_authority(host: str) -> bool:
    """Whether a Host header has the form of a name or address with an optional port."""
    return re.fullmatch(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", host) is not None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
