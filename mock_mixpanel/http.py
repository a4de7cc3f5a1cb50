"""Between Flask and the rest: a request as an `Incoming`, a `Reply` as a response."""

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from mock_mixpanel.ingest import Incoming
from mock_mixpanel.regions import DEFAULT, region_of
from mock_mixpanel.replies import Reply

REGION_KEY = "mock_mixpanel.region"
"""In the WSGI environment: the region of the port a request came in by."""

DROP_KEY = "mock_mixpanel.drop"
"""In the WSGI environment: a callable that closes the connection, if the server offers one."""


def incoming(max_bytes: int) -> Incoming:
    """The request at hand, its body up to `max_bytes`."""
    # A chunked body is cut at werkzeug's limit without a word: one byte more tells it is larger.
    request.max_content_length = max_bytes + 1
    try:
        read = request.get_data(cache=False)
        body = read if len(read) <= max_bytes else None
    except RequestEntityTooLarge:
        body = None
    return Incoming(
        region=region_of(request.environ.get(REGION_KEY, DEFAULT), request.host),
        method=request.method,
        path=request.path,
        query=request.args.to_dict(),
        headers=dict(request.headers),
        body=body,
    )


def respond(reply: Reply) -> Response:
    """The reply as Flask takes it; or the connection is dropped."""
    if reply.drop:
        request.environ.get(DROP_KEY, lambda: None)()
        return Response(status=500)
    response = Response(reply.body, reply.status, content_type=reply.content_type)
    response.headers.update(reply.headers)
    return response
