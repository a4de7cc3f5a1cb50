"""A second mock, and ways in which it is broken on purpose.

A defect stands between the client and a correct mock: it changes the request, the response or
both. Defects of limits are options of the second mock.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from conformance.parity.access import WRONG_SECRET, ProjectAccess
from mock_mixpanel import Config
from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.projects.limits import MixpanelLimits
from tests.thread_server import in_thread


@dataclass
class Sent:
    """A request, to be changed."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


Forward = Callable[[Sent], Response]
Around = Callable[[Sent, Forward], Response]


@dataclass(frozen=True)
class Defect:
    """What is wrong, and the probes that must find it, under the identity system of the project."""

    probes: tuple[str, ...]
    around: Around = lambda sent, forward: forward(sent)
    limits: dict[str, Any] = field(default_factory=dict)
    identity: str = "simplified"


class Quiet(WSGIRequestHandler):
    """Writes no access log."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Write nothing."""


class DefectiveApplication:
    """The WSGI application of a mock behind a defect."""

    def __init__(self, app: Flask, around: Around) -> None:
        self._app, self._around = app, around

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        sent = Sent(
            request.method,
            request.path,
            request.args.to_dict(),
            {name: value for name, value in request.headers.items() if name != "Content-Length"},
            request.get_data(parse_form_data=False),
        )
        return self._around(sent, self._forward)(environ, start_response)

    def _forward(self, sent: Sent) -> Response:
        builder = EnvironBuilder(
            sent.path,
            method=sent.method,
            query_string=sent.query,
            headers=list(sent.headers.items()),
            environ_base={"REMOTE_ADDR": "127.0.0.1"},
            data=sent.body,
        )
        return Response.from_app(self._app, builder.get_environ())


@contextmanager
def second_mixpanel(access: ProjectAccess, defect: Defect, now: int) -> Iterator[str]:
    """The base URL of a second mock with a defect, until the context ends.

    Its clock starts at `now`, in seconds since 1970.
    """
    limits = replace(MixpanelLimits(), **defect.limits)
    backend = Backend(Config(limits, projects=(access.mock_project(),), strict_projects=True))
    backend.clock.change(now=now)
    application = DefectiveApplication(create_app(backend=backend), defect.around)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    with in_thread(server) as url:
        yield url


def on_request(change: Callable[[Sent], None]) -> Around:
    """A defect that changes requests."""

    def around(sent: Sent, forward: Forward) -> Response:
        change(sent)
        return forward(sent)

    return around


def on_response(change: Callable[[Sent, Response], None]) -> Around:
    """A defect in what is answered."""

    def around(sent: Sent, forward: Forward) -> Response:
        response = forward(sent)
        change(sent, response)
        return response

    return around


def on_record(change: Callable[[dict[str, Any]], None]) -> Around:
    """A defect in the processing of records; it changes records that are sent as JSON."""

    def on_sent(sent: Sent) -> None:
        if sent.headers.get("Content-Type") == "application/json" and sent.body[:2] == b"[{":
            try:
                records = json.loads(sent.body)
            except ValueError:
                return
            for record in records:
                change(record)
            sent.body = json.dumps(records).encode()

    return on_request(on_sent)


def renamed(old: str, new: str) -> Around:
    """A key of records is taken for another."""

    def change(record: dict[str, Any]) -> None:
        if old in record:
            record[new] = record.pop(old)

    return on_record(change)


def ignored(key: str, *, instead: dict[str, Any] | None = None) -> Around:
    """A key of records has no effect."""

    def change(record: dict[str, Any]) -> None:
        if record.pop(key, None) is not None:
            record.update(instead or {})

    return on_record(change)


def property_changed(change: Callable[[dict[str, Any]], None]) -> Around:
    """A defect in the properties of events that arrive."""
    return on_record(lambda record: change(record.get("properties", {})))


def text_replaced(old: str, new: str) -> Around:
    """A text in answers is another."""

    def change(_: Sent, response: Response) -> None:
        response.set_data(response.get_data(as_text=True).replace(old, new))

    return on_response(change)


def refused(wrong: Callable[[Sent], bool], status: int, body: str) -> Around:
    """Some requests are refused."""

    def around(sent: Sent, forward: Forward) -> Response:
        return Response(body, status) if wrong(sent) else forward(sent)

    return around


def exported(change: Callable[[list[Any]], list[Any]]) -> Around:
    """A defect of the export: it changes the rows."""

    def on_export(sent: Sent, response: Response) -> None:
        if sent.path == "/api/2.0/export" and response.status_code == 200:
            rows = [json.loads(line) for line in response.get_data(as_text=True).splitlines()]
            response.set_data("".join(json.dumps(row) + "\n" for row in change(rows)))

    return on_response(on_export)


def without_property(name: str) -> Around:
    """The export lacks a property."""

    def change(rows: list[Any]) -> list[Any]:
        for row in rows:
            row["properties"].pop(name, None)
        return rows

    return exported(change)


def without_duplicates(rows: list[Any]) -> list[Any]:
    return list({row["properties"]["$insert_id"]: row for row in rows}.values())


def accept_wrong_secret(access_header: str) -> Around:
    def change(sent: Sent) -> None:
        wrong = base64.b64encode(f"{WRONG_SECRET}:".encode()).decode()
        if sent.headers.get("Authorization") == f"Basic {wrong}":
            sent.headers["Authorization"] = access_header

    return on_request(change)


def swap_alias(properties: dict[str, Any]) -> None:
    if "alias" in properties:
        properties["alias"], properties["distinct_id"] = (
            properties["distinct_id"],
            properties["alias"],
        )


def status_200(_: Sent, response: Response) -> None:
    response.status_code = 200 if response.status_code == 400 else response.status_code


def newline(_: Sent, response: Response) -> None:
    if response.get_data() in (b"0", b"1"):
        response.set_data(response.get_data() + b"\n")


def text_type(_: Sent, response: Response) -> None:
    if response.get_data()[:1] == b"{":
        response.content_type = "text/plain"


def any_origin(_: Sent, response: Response) -> None:
    if "Access-Control-Allow-Origin" in response.headers:
        response.headers["Access-Control-Allow-Origin"] = "*"


def forbidden(_: Sent, response: Response) -> None:
    response.status_code = 403 if response.status_code == 401 else response.status_code


def no_pixel(sent: Sent) -> None:
    sent.query.pop("img", None)


def no_form_controls(sent: Sent) -> None:
    sent.body = re.sub(rb"&verbose=1", b"", sent.body)


def count_all(_: Sent, response: Response) -> None:
    body = response.get_json(silent=True) if response.is_json else None
    if isinstance(body, dict) and "failed_records" in body:
        body["num_records_imported"] += len(body["failed_records"])
        response.set_data(json.dumps(body))


def mixed_batch_fails(sent: Sent, forward: Forward) -> Response:
    if sent.path == "/track" and sent.body[:2] == b"[{":
        try:
            records = json.loads(sent.body)
        except ValueError:
            return forward(sent)
        if any("token" not in each.get("properties", {}) for each in records):
            return Response('{"error": "token, missing or empty", "status": 0}')
    return forward(sent)


def without_last_seen(sent: Sent, response: Response) -> None:
    if sent.path == "/api/query/engage" and response.status_code == 200:
        body = response.get_json()
        for each in body["results"]:
            each["$properties"].pop("$last_seen", None)
        response.set_data(json.dumps(body))


def data_of(sent: Sent) -> str:
    """The member `data` of a form."""
    return parse_qs(sent.text).get("data", [""])[0]


def is_base64(sent: Sent) -> bool:
    data = data_of(sent)
    return sent.method == "POST" and data != "" and data[0] not in "[{"


def is_url_safe(sent: Sent) -> bool:
    return is_base64(sent) and re.search("[-_]", data_of(sent)) is not None


def union_overwrites(record: dict[str, Any]) -> None:
    if "$union" in record:
        record["$set"] = record.pop("$union")


def milliseconds_as_seconds(properties: dict[str, Any]) -> None:
    if isinstance(properties.get("time"), int) and properties["time"] > 10**11:
        properties["time"] -= 3_600_000


def defects(access: ProjectAccess) -> dict[str, Defect]:
    """Every defect by name."""
    right = access.authorization("secret")["Authorization"]
    return {
        "export drops duplicates": Defect(("track-duplicates",), exported(without_duplicates)),
        "no limit of five days": Defect(("track-too-old",), limits={"track_age": 10**9}),
        "limit of three days": Defect(("track-four-days",), limits={"track_age": 3 * 86400}),
        "$ignore_time has no effect": Defect(("profile-ignore-time",), ignored("$ignore_time")),
        "other message of a strict import": Defect(
            ("import-bad-insert-id", "import-partly-valid"),
            text_replaced("must only contain alphanumeric", "may only contain letters"),
        ),
        "200 in place of 400": Defect(
            ("import-bad-insert-id", "read-export-no-dates"), on_response(status_200)
        ),
        "403 in place of 401": Defect(
            ("import-wrong-credential", "read-export-wrong-credential"), on_response(forbidden)
        ),
        "$union overwrites": Defect(("profile-union",), on_record(union_overwrites)),
        "$add overwrites": Defect(("profile-add",), renamed("$add", "$set")),
        "$set_once overwrites": Defect(("profile-set-once",), renamed("$set_once", "$set")),
        "$append drops duplicates": Defect(
            ("profile-append",),
            on_record(
                lambda record: record.update(
                    {"$union": {"tags": [record.pop("$append")["tags"]]}}
                    if "$append" in record
                    else {}
                )
            ),
        ),
        "$remove has no effect": Defect(
            ("profile-remove",), ignored("$remove", instead={"$unset": []})
        ),
        "$unset has no effect": Defect(
            ("profile-unset",), ignored("$unset", instead={"$unset": []})
        ),
        "$delete has no effect": Defect(("profile-delete",), renamed("$delete", "$other")),
        "$time has no effect": Defect(("profile-time-order",), ignored("$time")),
        "$ignore has no effect": Defect(
            ("track-ignore-true",), property_changed(lambda each: each.pop("$ignore", None))
        ),
        "alias is swapped": Defect(
            ("identity-alias-legacy", "identity-alias-of-profile"),
            property_changed(swap_alias),
            identity="legacy",
        ),
        "$ignore_alias has no effect": Defect(
            ("identity-ignore-alias",), ignored("$ignore_alias"), identity="legacy"
        ),
        "devices are not linked": Defect(
            ("identity-simplified-link",),
            property_changed(lambda each: each.pop("$user_id", None)),
        ),
        "$merge has no effect": Defect(
            ("identity-merge",),
            property_changed(lambda each: each.pop("$distinct_ids", None)),
            identity="original",
        ),
        "$identify has no effect": Defect(
            ("identity-identify-original",),
            property_changed(lambda each: each.pop("$anon_id", None)),
            identity="original",
        ),
        "ids are not case-sensitive": Defect(
            ("identity-case",),
            property_changed(
                lambda each: each.update(distinct_id=str(each.get("distinct_id")).lower())
            ),
        ),
        "a wrong secret is accepted": Defect(
            ("import-wrong-credential", "read-export-wrong-credential"),
            accept_wrong_secret(right),
        ),
        "gzip is refused": Defect(
            ("encoding-gzip", "encoding-import-ndjson"),
            refused(lambda sent: sent.headers.get("Content-Encoding") == "gzip", 415, ""),
        ),
        "base64 is refused": Defect(
            ("encoding-form-base64", "encoding-import-form"),
            refused(is_base64, 200, "0"),
        ),
        "URL-safe base64 is refused": Defect(
            ("encoding-form-base64-url",), refused(is_url_safe, 200, "0")
        ),
        "a closing slash redirects": Defect(
            ("encoding-trailing-slash",),
            refused(lambda sent: sent.path == "/track/", 301, ""),
        ),
        "controls in a form have no effect": Defect(
            ("encoding-controls-in-form",), on_request(no_form_controls)
        ),
        "other verbose text": Defect(
            ("track-no-token", "profile-no-token"),
            text_replaced("token, missing or empty", "token is missing"),
        ),
        "status of verbose is text": Defect(
            ("track-verbose",), text_replaced('"status":1', '"status":"1"')
        ),
        "newline after the plain answer": Defect(("track-plain",), on_response(newline)),
        "other content type": Defect(("track-verbose",), on_response(text_type)),
        "ip is kept": Defect(
            ("track-ip-removed",),
            property_changed(
                lambda each: each.update({"address": each.pop("ip")} if "ip" in each else {})
            ),
        ),
        "no image": Defect(("track-pixel",), on_request(no_pixel)),
        "any origin": Defect(("track-cors",), on_response(any_origin)),
        "a mixed batch fails": Defect(("track-mixed-batch",), mixed_batch_fails),
        "other sense of milliseconds": Defect(
            ("track-time-milliseconds",), property_changed(milliseconds_as_seconds)
        ),
        "longer texts": Defect(("track-long-text",), limits={"string_characters": 1000}),
        "more properties": Defect(("track-many-properties",), limits={"properties": 1000}),
        "fewer properties": Defect(("track-exact-properties",), limits={"properties": 254}),
        "more elements": Defect(("track-many-elements",), limits={"elements": 1000}),
        "deeper nesting": Defect(("track-deep-nesting",), limits={"depth": 9}),
        "more records": Defect(("track-too-many-records",), limits={"records": 5000}),
        "longer insert ids": Defect(("import-long-insert-id",), limits={"insert_id_bytes": 99}),
        "import from 1970 on": Defect(("import-1970",), limits={"import_earliest": 0}),
        "import of the far future": Defect(("import-far-future",), limits={"import_future": 86400}),
        "all records are counted": Defect(("import-partly-valid",), on_response(count_all)),
        "no $import": Defect(("import-strict",), without_property("$import")),
        "no time of update": Defect(
            ("profile-set", "profile-last-seen"), on_response(without_last_seen)
        ),
    }
