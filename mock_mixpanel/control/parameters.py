"""Reads and checks the parameters of calls of the `/_mock` API: body and query."""

import math
from collections.abc import Sequence
from typing import Any

import orjson
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from mock_mixpanel.control.lists import Query
from mock_mixpanel.control.search import read_search
from mock_mixpanel.control.search_terms import FIELDS, SearchError
from mock_mixpanel.projects.config import REGIONS
from mock_mixpanel.simulation.clock import parse_iso
from mock_mixpanel.state.lists.pagination import Part
from mock_mixpanel.suggestions import suggestion

MAX_BODY = 1024 * 1024
LONGEST_COUNT = 18
"""Digits of a number in a query."""


class ControlError(ValueError):
    """An invalid call; the message says what, where and what to do."""

    def __init__(self, message: str, status: int = 400, **more: Any) -> None:
        super().__init__(message)
        self.status, self.more = status, more


def json_body() -> Any:
    """The body as JSON; an empty body is an empty object. Raises ControlError."""
    request.max_content_length = MAX_BODY
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise ControlError(f"body: larger than {MAX_BODY} bytes", 413) from error
    try:
        return orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError as error:
        raise ControlError(f"body: not JSON: {error}") from error


def object_body(known: Sequence[str] | None) -> dict[str, Any]:
    """The body as a JSON object; `known` restricts its names. Raises ControlError."""
    body = json_body()
    if not isinstance(body, dict):
        raise ControlError("body: expected a JSON object")
    for name in body:
        if known is not None and name not in known:
            raise ControlError(f"{name}: unknown{suggestion(name, known)}")
    return body


def unknown_name(name: str, known: Sequence[str]) -> str:
    """The error for an unknown name in a query, with the nearest known name."""
    return f"{name:.80}: unknown in the query{suggestion(name, known)}"


def part_asked() -> Part:
    """The part of a list by `since` (an id or a time), `before` and `limit`."""
    since, limit = request.args.get("since"), request.args.get("limit")
    after, moment, most, before = 0, None, None, whole_number("before")
    if since is not None:
        number = count("since", since)
        after = number or 0
        # In a query, the + of a time zone arrives as a space.
        moment = moment_of("since", since.replace(" ", "+")) if number is None else None
    if limit is not None:
        most = count("limit", limit)
        if most is None:
            raise ControlError(f"limit: expected a count, got {limit!r}")
    return Part(after, moment, most, before)


def query_asked(
    now: float, applicable: Sequence[str] = tuple(FIELDS), *, most: int | None = None
) -> Query:
    """The query parameters of a list, at a virtual time (seconds). Raises ControlError.

    `applicable` are the fields of a search that apply to the list, `most` is the limit without
    `limit`.
    """
    part = part_asked()
    try:
        search = read_search(request.args.get("q", ""), now, applicable)
    except SearchError as error:
        raise ControlError(str(error)) from error
    return Query(
        token=request.args.get("token"),
        region=region_asked(),
        search=search,
        after=part.after,
        moment=part.moment,
        before=part.before,
        limit=most if part.limit is None else part.limit,
        paged=flag("page"),
        history_before=whole_number("history_before"),
    )


def flag(name: str) -> bool:
    """Whether a parameter is on: not absent, empty, 0 or false."""
    return request.args.get(name, "0") not in ("", "0", "false")


def whole_number(name: str) -> int | None:
    """A parameter that is a whole number; None if it is absent. Raises ControlError."""
    text = request.args.get(name)
    if text is None:
        return None
    found = count(name, text)
    if found is None:
        raise ControlError(f"{name}: expected a whole number, got {text!r}")
    return found


def seconds_of(name: str, default: float) -> float:
    """A parameter that is a number of seconds. Raises ControlError."""
    text = request.args.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ControlError(f"{name}: expected a number of seconds, got {text!r}")
    return value


def required_text(name: str) -> str:
    """A parameter that has to be there and not empty. Raises ControlError."""
    found = request.args.get(name, "")
    if not found:
        raise ControlError(f"{name}: missing; give {name}=...")
    return found


def region_asked() -> str | None:
    """The parameter `region`. Raises ControlError."""
    region = request.args.get("region")
    if region is not None and region not in REGIONS:
        raise ControlError(f"region: {region!r} is not one of {', '.join(REGIONS)}")
    return region


def count(name: str, text: str) -> int | None:
    """A whole number; None for other text. Raises ControlError if it has too many digits."""
    if not (text.isascii() and text.isdecimal()):
        return None
    if len(text) > LONGEST_COUNT:
        raise ControlError(f"{name}: a number of {len(text)} digits; at most {LONGEST_COUNT}")
    return int(text)


def moment_of(name: str, text: Any) -> float:
    """An ISO 8601 time as virtual seconds. Raises ControlError."""
    try:
        return parse_iso(text)
    except (ValueError, TypeError, OverflowError) as error:
        wanted = "an ISO 8601 time such as 2026-06-15T12:00:00Z"
        raise ControlError(f"{name}: expected {wanted}, got {text!r}") from error


def token_in_path(before: str) -> str:
    """The token at the end of the path, behind `before`. Raises ControlError if it is not text.

    Flask would replace bytes that are not UTF-8, which is another token. Half of a surrogate pair
    is possible in JSON, so it is possible here.
    """
    raw: bytes = request.environ["PATH_INFO"].encode("latin-1")
    try:
        return raw.decode("utf-8", "surrogatepass").partition(before)[2]
    except UnicodeDecodeError as error:
        raise ControlError("token: expected UTF-8, percent-encoded in the path") from error


class AnyTextConverter(BaseConverter):
    """The rest of a path as it was sent: a token may begin with a slash or have line breaks."""

    regex = r"(?s:.+)"
    weight = 200
    part_isolating = False
