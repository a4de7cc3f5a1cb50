"""What each answer of Mixpanel means."""

import pytest

from translator.sender.http.responses import FailedRecord, InterpretedResponse, Meaning, classify

NOW = "Mon, 15 Jun 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"1", InterpretedResponse(Meaning.DELIVERED)),
        (200, b'{"error": null, "status": 1}', InterpretedResponse(Meaning.DELIVERED)),
        (200, b'{"error": "", "status": 1}', InterpretedResponse(Meaning.DELIVERED)),
        (
            200,
            b'{"code": 200, "num_records_imported": 2, "status": "OK"}',
            InterpretedResponse(Meaning.DELIVERED, imported=2),
        ),
        (200, b"0", InterpretedResponse(Meaning.INVALID, "HTTP 200: 0")),
        (
            200,
            b'{"error": "data, missing or empty", "status": 0}',
            InterpretedResponse(Meaning.INVALID, "HTTP 200: data, missing or empty"),
        ),
        (
            200,
            b'{"status": 0, "error": "a temporary failure occurred"}',
            InterpretedResponse(Meaning.RETRY, "HTTP 200: a temporary failure occurred"),
        ),
        (
            200,
            b'{"error": "Bad request", "status": "error"}',
            InterpretedResponse(Meaning.REFUSED, "HTTP 200: Bad request"),
        ),
        (
            200,
            b"",
            InterpretedResponse(
                Meaning.RETRY,
                "HTTP 200: empty body (this is not a response of Mixpanel's)",
                unclear=True,
            ),
        ),
        (
            200,
            b'"OK"',
            InterpretedResponse(
                Meaning.RETRY,
                'HTTP 200: "OK" (this is not a response of Mixpanel\'s)',
                unclear=True,
            ),
        ),
        (
            200,
            b"<html>\n Welcome </html>",
            InterpretedResponse(
                Meaning.RETRY,
                "HTTP 200: <html> Welcome </html> (this is not a response of Mixpanel's)",
                unclear=True,
            ),
        ),
        (400, b"nope", InterpretedResponse(Meaning.INVALID, "HTTP 400: nope")),
        (
            400,
            b'{"code": 400, "error": "x", "failed_records": [], "status": "Bad Request"}',
            InterpretedResponse(Meaning.INVALID, "HTTP 400: x"),
        ),
        (
            401,
            b'{"code": 401, "error": "Invalid credentials", "status": "Unauthorized"}',
            InterpretedResponse(
                Meaning.REFUSED,
                "HTTP 401: Invalid credentials"
                " (check the project's token, apiSecret and residency)",
            ),
        ),
        (
            403,
            b"<html>Forbidden</html>",
            InterpretedResponse(
                Meaning.RETRY,
                "HTTP 403: <html>Forbidden</html> (this is not a response of Mixpanel's)",
            ),
        ),
        (408, b"", InterpretedResponse(Meaning.RETRY, "HTTP 408: empty body")),
        (
            413,
            b"<html>Too large</html>",
            InterpretedResponse(Meaning.TOO_LARGE, "HTTP 413: <html>Too large</html>"),
        ),
        (414, b"", InterpretedResponse(Meaning.REFUSED, "HTTP 414: empty body")),
        (429, b'{"error": "slow down"}', InterpretedResponse(Meaning.RETRY, "HTTP 429: slow down")),
        (500, b"oops", InterpretedResponse(Meaning.RETRY, "HTTP 500: oops", unclear=True)),
        (502, b"", InterpretedResponse(Meaning.RETRY, "HTTP 502: empty body", unclear=True)),
        (
            503,
            b"upstream connect error",
            InterpretedResponse(Meaning.RETRY, "HTTP 503: upstream connect error"),
        ),
    ],
)
def test_meaning(status: int, body: bytes, expected: InterpretedResponse) -> None:
    """Status and body together say what became of the records."""
    assert classify(status, {}, body) == expected


@pytest.mark.parametrize("key", ["insert_id", "$insert_id"])
def test_failed_records(key: str) -> None:
    """A strict import names each bad record, its id with or without a dollar."""
    body = (
        b'{"code": 400, "error": "some data points in the request failed validation",'
        b' "failed_records": [{"index": 3, "%s": "abc", "field": "properties.time",'
        b' "message": "is invalid"}], "num_records_imported": 4, "status": "Bad Request"}'
    ) % key.encode()
    assert classify(400, {}, body) == InterpretedResponse(
        Meaning.PARTIAL,
        "HTTP 400: some data points in the request failed validation",
        failed=(FailedRecord(3, "abc", "properties.time: is invalid"),),
        imported=4,
    )


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": " 0 "}, 0.0),
        ({"Retry-After": "Mon, 15 Jun 2026 12:00:30 GMT", "Date": NOW}, 30.0),
        ({"Retry-After": "Mon, 15 Jun 2026 11:00:00 GMT", "Date": NOW}, 0.0),
        ({"Retry-After": "Mon, 15 Jun 2026 12:00:30 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": "Mon, 15 Jun 2026 12:00:30 +9999999999999999", "Date": NOW}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(status: int, headers: dict[str, str], seconds: float | None) -> None:
    """`Retry-After` is read as seconds, or as a date counted from the answer's own date."""
    assert seconds == classify(status, headers, b"").retry_after


def test_redirect() -> None:
    """A redirect is not Mixpanel's: it is tried again, and the reason says where it pointed."""
    answer = classify(302, {"Location": "https://elsewhere.example/track"}, b"")
    assert answer == InterpretedResponse(
        Meaning.RETRY,
        "HTTP 302: redirects are not followed (to https://elsewhere.example/track)"
        " (this is not a response of Mixpanel's)",
    )


def test_long_body_is_quoted_in_part() -> None:
    """A long page of HTML does not flood a report."""
    assert classify(500, {}, b"x" * 5000).reason == f"HTTP 500: {'x' * 200}"


FOREIGN = " (this is not a response of Mixpanel's)"
PAGE = b"<!DOCTYPE html><html><body>Blocked</body></html>"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, PAGE) for status in (302, 400, 401, 402, 403, 404, 405, 410, 421, 451)),
        *((status, b"RBAC: access denied") for status in (401, 403, 404, 451)),
        *((status, b"") for status in (301, 308, 401, 403, 404, 405, 410, 421)),
        (307, b'{"error": "moved", "status": "error"}'),
        (400, b"\xef\xbb\xbf" + PAGE),
        (404, b"error code: 1020"),
        (421, b'{"error": "misdirected"}'),
        (403, b'{"message": "Forbidden"}'),
        (404, b'{"message": "no Route matched with those values"}'),
        (404, b'{"detail": "Not Found"}'),
        (403, b'{"error": {"code": 403, "status": "PERMISSION_DENIED"}}'),
        (404, b'{"status": 404, "error": "Not Found", "path": "/track"}'),
        (403, b'{"type": "about:blank", "title": "Forbidden", "status": 403}'),
        (403, b'"Forbidden"'),
        (403, b"null"),
        (403, b"[]"),
        (400, b'{"success": false}'),
    ],
)
def test_responses_of_others(status: int, body: bytes) -> None:
    """What a firewall or an edge says is asked again, and proves that nothing was stored."""
    found = classify(status, {"Content-Type": "text/html"}, body)
    assert (found.meaning, found.unclear) == (Meaning.RETRY, False)
    assert (found.reason or "").endswith(FOREIGN)


@pytest.mark.parametrize(
    "body",
    [
        b"true",
        b"false",
        b"1.0",
        b"null",
        b"[1]",
        b'{"status": "ok"}',
        b'{"status": "1", "error": null}',
        b'{"status": true}',
        b'{"status": 200, "error": "none"}',
        b'{"success": true}',
    ],
)
def test_successes_of_others(body: bytes) -> None:
    """A success whose JSON is not Mixpanel's proves nothing: the records may be stored or not."""
    found = classify(200, {}, body)
    assert (found.meaning, found.unclear) == (Meaning.RETRY, True)
    assert (found.reason or "").endswith(FOREIGN)


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 410, 451])
def test_refusals_of_mixpanel(status: int) -> None:
    """An error that Mixpanel explains in JSON is final."""
    assert classify(status, {}, b'{"error": "no", "status": "error"}').meaning is Meaning.REFUSED
