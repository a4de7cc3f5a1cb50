"""An HTTP request, independent of the server that received it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Self

from mock_mixpanel.ingest.redaction import redacted_headers, redacted_query
from mock_mixpanel.ingest.regions import region_of

INCOMPLETE_BODY = "body: incomplete; the connection ended, or a chunk was malformed"
"""The reason against a request with an incomplete body."""


@dataclass(frozen=True)
class Envelope:
    """A request without its body; `address` is the address of the sender.

    Clients send many requests with the same envelope, so computed values are cached. `kept` is for
    those of others, by any key; its users limit its size.
    """

    region: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    address: str = ""
    kept: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(
        cls,
        port_region: str,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        peer: str,
    ) -> Self:
        """A request that arrived on a port of a region, from the address `peer`.

        `headers` have names such as `X-Forwarded-For`. Its first address is the sender's, else
        `X-Real-IP`, else `peer` (mixpanel/tracking-proxy#18;
        docs/facts/mixpanel-http-api.md#http-details-that-trip-clients, item 17).
        """
        region = region_of(port_region, headers.get("Host", ""))
        forwarded = headers.get("X-Forwarded-For", "").partition(",")[0].strip()
        sender = forwarded or headers.get("X-Real-Ip", "").strip() or peer
        return cls(region, method, path, query, headers, sender)

    def header(self, name: str) -> str:
        """A header by its name in any case; "" if it is missing."""
        return self._by_lower_name.get(name.lower(), "")

    @cached_property
    def content(self) -> tuple[str, str]:
        """Content type and content encoding."""
        return self.header("Content-Type"), self.header("Content-Encoding")

    @cached_property
    def shown(self) -> tuple[dict[str, str], dict[str, str]]:
        """Query and headers without secrets."""
        return redacted_query(self.query), redacted_headers(self.headers)

    @cached_property
    def _by_lower_name(self) -> dict[str, str]:
        return {name.lower(): self.headers[name] for name in reversed(list(self.headers))}


class Incoming(NamedTuple):
    """A request. `body` is None if it is larger than the limit, or incomplete: then `broken` says
    why."""

    envelope: Envelope
    body: bytes | None
    broken: str = ""
