"""Between Flask and the rest: a request as an `Incoming`, a `Reply` as a response."""

import time
from collections.abc import Callable

from flask import Response, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from mock_mixpanel.ingest.http_request import Envelope, Incoming
from mock_mixpanel.ingest.regions import DEFAULT
from mock_mixpanel.ingest.replies import Reply

REGION_KEY = "mock_mixpanel.region"
"""In the WSGI environment: the region of the port a request came in by."""

CUT_KEY = "mock_mixpanel.cut"
"""In the WSGI environment: a callable that closes the connection around this answer.

It takes the `cut` of a `Reply`: "before", "during" or "after". A server that cannot do it offers
none; then "before" is a 500, and the others are whole answers.
"""


def incoming(max_bytes: int) -> Incoming:
    """The request at hand, its body up to `max_bytes`."""
    # A chunked body is cut at werkzeug's limit without a word: one byte more tells it is larger.
    request.max_content_length = max_bytes + 1
    body, broken = None, ""
    try:
        read = request.get_data(cache=False)
        body = read if len(read) <= max_bytes else None
    except RequestEntityTooLarge:
        pass
    except ClientDisconnected as error:
        broken = f"body: {error.__context__ or 'the connection ended'}"
    envelope = Envelope.of(
        request.environ.get(REGION_KEY, DEFAULT),
        request.method,
        request.path,
        request.args.to_dict(),
        dict(request.headers),
        request.remote_addr or "",
    )
    return Incoming(envelope, body, broken)


def respond(reply: Reply, sleep: Callable[[float], object] = time.sleep) -> Response:
    """The reply as Flask takes it; closing the connection is left to the server."""
    if reply.delay:
        sleep(reply.delay)
    if reply.cut:
        request.environ.get(CUT_KEY, lambda _cut: None)(reply.cut)
        if reply.cut == "before":
            return Response(status=500)
    response = Response(reply.body, reply.status, content_type=reply.content_type or None)
    response.headers.update(reply.headers)
    return response
