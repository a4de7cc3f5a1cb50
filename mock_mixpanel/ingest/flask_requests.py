"""Converts Flask's requests to `Incoming`, and a `Reply` to Flask's response.

Nothing here depends on the server: a response that is late or cut is an iterable that waits and
then raises, which every WSGI server can run.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Response, current_app, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from mock_mixpanel.ingest.http_request import INCOMPLETE_BODY, Envelope, Incoming
from mock_mixpanel.ingest.regions import DEFAULT
from mock_mixpanel.ingest.replies import Reply

REGIONS = "REGION_OF_PORT"
"""In the configuration of the Flask application: the region of each port, by number."""


class ConnectionCut(Exception):
    """Raised by a response body where the server is to close the connection."""


class WireBody:
    """The body of a response as a `Reply` wants it sent: late, or cut at some point.

    A WSGI server just iterates over it: it sleeps `delay` seconds before the first piece, and
    raises ConnectionCut where the connection is to be closed. "before" is then a 500 with most
    servers. A server that knows this class reads the attributes instead, and need not block.
    """

    def __init__(self, chunks: Iterable[bytes], delay: float, cut: str) -> None:
        self.chunks, self.delay, self.cut = chunks, delay, cut

    def __iter__(self) -> Iterator[bytes]:
        time.sleep(self.delay)
        if self.cut == "before":
            raise ConnectionCut
        body = b"".join(self.chunks)
        yield body[: len(body) // 2] if self.cut == "during" else body
        if self.cut:
            raise ConnectionCut

    def close(self) -> None:
        """Release what the body holds, as WSGI asks for."""
        getattr(self.chunks, "close", lambda: None)()


class WireResponse(Response):
    """A Flask response that is sent as a `Reply` wants it; see `WireBody`."""

    delay: float = 0
    cut: str = ""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer as a WSGI application."""
        chunks = super().__call__(environ, start_response)
        return WireBody(chunks, self.delay, self.cut) if self.delay or self.cut else chunks


def incoming(max_bytes: int) -> Incoming:
    """The current request, its body up to `max_bytes`."""
    # werkzeug silently cuts a chunked body at the limit: one more byte shows that it is larger.
    request.max_content_length = max_bytes + 1
    body, broken = None, ""
    try:
        read = request.get_data(cache=False)
        body = read if len(read) <= max_bytes else None
    except RequestEntityTooLarge:
        pass
    except ClientDisconnected:
        broken = INCOMPLETE_BODY
    envelope = Envelope.of(
        current_app.config[REGIONS].get(int(request.environ["SERVER_PORT"]), DEFAULT),
        request.method,
        request.path,
        request.args.to_dict(),
        dict(request.headers),
        request.remote_addr or "",
    )
    return Incoming(envelope, body, broken)


def respond(reply: Reply) -> Response:
    """The reply as a Flask response."""
    response = WireResponse(reply.body, reply.status, content_type=reply.content_type or None)
    response.headers.update(reply.headers)
    response.delay, response.cut = reply.delay, reply.cut
    return response
