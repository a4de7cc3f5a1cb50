"""The network address of the visitor who made a call, behind proxies that are trusted.

Segment's servers add it to calls of client-side libraries as `context.ip`, and to any call whose
`context.direct` is true (Segment's HTTP API source, "Collecting IP Address"; segmentio/segment-docs
#3083). A server-side library would show the address of its server.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Network = IPv4Network | IPv6Network

CLIENT_LIBRARIES = frozenset(
    [
        "analytics.js",
        "analytics-ios",
        "analytics-swift",
        "analytics-android",
        "analytics-kotlin",
        "analytics-react-native",
        "@segment/analytics-react-native",
        "analytics_flutter",
        "analytics-flutter",
        "analytics-xamarin",
        "analytics.xamarin",
    ]
)
"""`context.library.name` of Segment's libraries for browsers and apps, in lower case."""

CLIENT_PATHS = frozenset("tipsgab")
"""The short paths (`/v1/t`, ..., `/v1/b`) are the endpoints of client-side libraries
(segmentio/analytics-swift#116)."""


LONGEST_ADDRESS = 100
"""Maximum length of an address, in characters. A longer text in a header is ignored and not
cached."""


class ProxyError(ValueError):
    """A value of `--trusted-proxy` is not a network."""


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks such as 10.0.0.0/8. Raises ProxyError."""
    try:
        return tuple(ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise ProxyError(f"{error}; give an address or a network such as 10.0.0.0/8") from None


class VisitorAddress:
    """Finds the address of the visitor who made a request.

    `trusted` are the networks of trusted proxies.
    """

    def __init__(self, trusted: Iterable[Network] = ()) -> None:
        self._trusted = tuple(trusted)

    def trusts(self, peer: str) -> bool:
        """Whether this peer is a trusted proxy."""
        found = _address(peer)
        return found is not None and any(found in network for network in self._trusted)

    def of_request(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The visitor's address of a request with these raw headers."""
        if not self._trusted:
            return _shown(peer)
        values: dict[bytes, list[str]] = {}
        for name, value in headers:
            values.setdefault(name, []).append(value.decode("latin-1"))
        hops = ",".join(values.get(b"x-forwarded-for", []))
        return self.of(peer, hops, ",".join(values.get(b"x-real-ip", [])))

    def of(self, peer: str, forwarded_for: str, real_ip: str) -> str:
        """The visitor's address.

        `peer` is the other end of the connection; `forwarded_for` and `real_ip` are the request's
        `X-Forwarded-For` and `X-Real-IP`, empty if it has none. Each proxy appends the address that
        it saw to X-Forwarded-For: from the end backwards, the first one that is not a trusted proxy
        is the visitor's.
        """
        if not self.trusts(peer):
            return _shown(peer)
        # Empty members of a list in a header are ignored (RFC 9110, section 5.6.1).
        hops = [hop for hop in forwarded_for.split(",") if hop.strip()] or [real_ip]
        visitor = peer
        for hop in reversed(hops):
            found = _address(hop)
            if found is None:
                break
            visitor = str(found)
            if not self.trusts(visitor):
                break
        return _shown(visitor)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, also with a port (`1.2.3.4:5`, `[::1]:5`)."""
    text = text.strip()
    return _parsed(text) if len(text) <= LONGEST_ADDRESS else None


@lru_cache(10_000)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


@lru_cache(10_000)
def _shown(text: str) -> str:
    """An address in its canonical form."""
    found = _address(text)
    return text if found is None else str(found)


def comes_from_client(path_name: str, origin: str, message: Mapping[str, Any]) -> bool:
    """Whether the visitor's own device has sent a message, so that its address is the visitor's.

    `path_name` is the last part of the path, `origin` the header of that name, empty if none.
    """
    context = message.get("context")
    if not isinstance(context, dict):
        return origin != "" or path_name in CLIENT_PATHS
    direct = context.get("direct")
    if direct is not None:
        return direct is True
    if origin or path_name in CLIENT_PATHS:
        return True
    library = context.get("library")
    name = library.get("name") if isinstance(library, dict) else library
    return isinstance(name, str) and name.lower() in CLIENT_LIBRARIES


def with_address(message: dict[str, Any], address: str) -> None:
    """Add the visitor's address to a message whose context has no address."""
    context = message.get("context")
    if context is None:
        message["context"] = {"ip": address}
    elif isinstance(context, dict) and context.get("ip") in (None, ""):
        message["context"] = {**context, "ip": address}
