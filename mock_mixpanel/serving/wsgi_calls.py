"""One call of a WSGI application: a request in, an `ServerResponse` out.

Own code instead of a2wsgi: a body that was cut must reach the application as such (a cut
`/_mock/reset` would otherwise be a complete one without a token), headers with an underscore are
left out as WSGI servers do, and a response is sent late or cut without blocking a thread.
"""

import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from mock_mixpanel.ingest.flask_requests import WireBody


class ServerResponse(NamedTuple):
    """A response to send: a body, or `chunks` if the body has more than one piece.

    `delay` (seconds) and `cut` are those of a `Reply`.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    delay: float = 0
    cut: str = ""
    chunks: Iterator[bytes] | None = None


def call(application: Any, environ: dict[str, Any]) -> ServerResponse:
    """Call a WSGI application and read its response up to the second piece of the body."""
    status, headers, delay, cut = "", [], 0.0, ""

    def start_response(given: str, fields: list[tuple[str, str]], exc_info: Any = None) -> None:
        nonlocal status, headers
        status, headers = given, fields

    found: Any = application(environ, start_response)
    if isinstance(found, WireBody):
        found, delay, cut = found.chunks, found.delay, found.cut
    chunks = _closing(found)
    first = list(chunks if cut else islice(chunks, 2))
    rest = chain(first, chunks) if len(first) > 1 and not cut else None
    code = int(status.partition(" ")[0])
    return ServerResponse(code, tuple(headers), b"".join(first), delay, cut, rest)


def _closing(body: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a body, which is closed after the last one, as WSGI asks for."""
    try:
        yield from body
    finally:
        getattr(body, "close", lambda: None)()


def environ(
    scope: Any, headers: Mapping[str, str], body: bytes, *, complete: bool
) -> dict[str, Any]:
    """The request as PEP 3333 describes it.

    A body that is not `complete` has a length that it does not reach, as on a connection that
    ended.
    """
    server, port = scope["server"]
    sent = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    chunked = sent.pop("HTTP_TRANSFER_ENCODING", "")
    length = sent.pop("HTTP_CONTENT_LENGTH", chunked) and str(len(body) + (not complete))
    return {
        **sent,
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "CONTENT_TYPE": sent.pop("HTTP_CONTENT_TYPE", ""),
        "CONTENT_LENGTH": length,
        "SERVER_NAME": server,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": scope["client"][0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
