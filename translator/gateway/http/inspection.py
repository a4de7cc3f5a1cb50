"""The gateway's own JSON API for people at this machine, and the access checks for it.

It shows what people did, so it answers this machine only, and no page of another site: a page in a
browser here could else read it, by a request across sites or by a host name of its own that it
points to this machine (DNS rebinding).
"""

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from translator.core.operations import Json
from translator.gateway.delivery.recent_messages import RecentMessages
from translator.gateway.messages.bodies import BadRequestError

LARGEST_PAGE = 500
"""Messages."""

DEFAULT_PAGE = 50

LOCAL_NAMES = frozenset(["localhost"])


def check_reader(visitor: str, host: str, headers: Mapping[bytes, bytes]) -> None:
    """Raise BadRequestError, status 403, unless a reader on this machine asks.

    `visitor` is the address of the reader, `host` the header Host.
    """
    if not _is_loopback(visitor):
        raise BadRequestError(403, "this part of the gateway answers calls of its own machine only")
    name = urlsplit(f"//{host}").hostname or ""
    if name not in LOCAL_NAMES and not _is_loopback(name):
        raise BadRequestError(403, f"call it as localhost or 127.0.0.1, not {host!r:.80}")
    site = headers.get(b"sec-fetch-site", b"none")
    origin = headers.get(b"origin", b"").decode("latin-1")
    if site not in (b"none", b"same-origin") or (origin and urlsplit(origin).netloc != host):
        raise BadRequestError(403, "pages of other sites may not read this")


def _is_loopback(text: str) -> bool:
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False


def recent_messages(recent: RecentMessages, query: bytes) -> Json:
    """`GET /_gateway/messages?limit=&before=`: the latest messages with their status.

    `limit` is 1 to LARGEST_PAGE; `before` is the `number` of a message, or `next` of the page
    before. Raises BadRequestError.
    """
    given = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    unknown = set(given) - {"limit", "before"}
    if unknown:
        raise BadRequestError(400, f"{min(unknown)!r:.40} is not known; known: limit, before")
    limit = _number(given, "limit")
    return recent.page(min(limit or DEFAULT_PAGE, LARGEST_PAGE), _number(given, "before"))


def _number(given: Mapping[str, list[str]], name: str) -> int | None:
    text = given.get(name, [""])[-1]
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16 and int(text) > 0):
        raise BadRequestError(400, f"{name} must be a whole number from 1, not {text!r:.40}")
    return int(text)
