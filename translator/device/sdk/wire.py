"""The HTTP requests of mixpanel-js (docs/facts/device-mode.md#web-requests-of-mixpanel-js)."""

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from translator.core.operations import Json
from translator.device.sdk.values import stringify

API_HOST = "https://api-js.mixpanel.com"
PATHS = {"events": "/track/", "people": "/engage/", "groups": "/groups/"}
CONTENT_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class WireRequest:
    """A request as the browser sends it. `data` is a record, or a list of records in a batch.

    `encoding` is `json` or `base64`; `ms` is the time in milliseconds since 1970.
    """

    api_host: str
    path: str
    data: Any
    encoding: str
    ms: int
    batch: bool
    method: str = "POST"

    @property
    def host(self) -> str:
        """The host's name, with a port if there is one."""
        return urlsplit(self.api_host).netloc

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the URL, in order."""
        query = {"verbose": "1"} if self.batch else {}
        if self.method == "GET":
            query["data"] = self.encoded()
        return {**query, "ip": "1", "_": str(self.ms)}

    @property
    def body(self) -> str | None:
        """The body of a POST: one form field."""
        if self.method == "GET":
            return None
        return f"data={quote(self.encoded(), safe=_UNESCAPED)}"

    def encoded(self) -> str:
        """The records as text."""
        text = stringify(self.data)
        if self.encoding == "json":
            return text
        # The SDK encodes the two surrogates of a character beyond U+FFFF one by one, which is not
        # valid UTF-8.
        units = memoryview(text.encode("utf-16-le")).cast("H")
        return base64.b64encode("".join(map(chr, units)).encode(errors="surrogatepass")).decode()

    @property
    def records(self) -> list[Json]:
        """The records, one or more."""
        return self.data if self.batch else [self.data]


_UNESCAPED = "!'()*"


def encoding_of(config: Json) -> str:
    """The form of the payload: JSON for Mixpanel's own hosts, base64 for others."""
    host = config.get("api_host") or API_HOST
    default = "json" if ".mixpanel.com" in host else "base64"
    return str(config.get("api_payload_format", default))
