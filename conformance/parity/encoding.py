"""Encodes a request of a probe as HTTP: path, query, headers and body."""

import base64
import gzip
import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from conformance.parity.access import ProjectAccess
from conformance.parity.placeholders import Values
from conformance.parity.probe import ProbeRequest

FORM = "application/x-www-form-urlencoded"
TYPES = {"json": "application/json", "ndjson": "application/x-ndjson", "beacon": "text/plain"}
"""The content type of each encoding; all others are forms."""


@dataclass(frozen=True)
class HttpRequest:
    """A request that is ready to be sent."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


def encoded(request: ProbeRequest, values: Values, access: ProjectAccess) -> HttpRequest:
    """The request with placeholders filled, records encoded and credential added."""
    records = [
        replace(values, number=number).fill(record)
        for number in range(request.repeat)
        for record in request.records
    ]
    query = {name: str(each) for name, each in values.fill(request.query).items()}
    headers = dict(request.headers)
    body = b""
    if request.encoding.startswith("get"):
        query["data"] = _data(records, request).decode()
    elif request.method != "GET":
        headers.setdefault("Content-Type", TYPES.get(request.encoding, FORM))
        body = _body(records, request, values)
    if request.gzip:
        body = gzip.compress(body, mtime=0)
        headers["Content-Encoding"] = "gzip"
    headers |= access.authorization(request.auth)
    query |= access.project_parameter(request.auth)
    method = "GET" if request.encoding.startswith("get") else request.method
    return HttpRequest(method, request.to, query, headers, body)


def _body(records: list[Any], request: ProbeRequest, values: Values) -> bytes:
    if request.encoding == "raw":
        return str(values.fill(request.body)).encode()
    if request.encoding == "ndjson":
        return b"".join(_json(record) + b"\n" for record in records)
    data = _data(records, request)
    if request.encoding == "json":
        return data
    # PHP and Node.js clients send base64 without percent-encoding.
    data = data if request.encoding == "form-base64-unescaped" else quote(data, safe="").encode()
    controls = "".join(f"&{name}={quote(str(each))}" for name, each in request.form.items())
    return b"data=" + data + controls.encode()


def _data(records: list[Any], request: ProbeRequest) -> bytes:
    text = _json(records[0] if request.single else records)
    if request.encoding == "form-base64-url":
        return base64.urlsafe_b64encode(text)
    return base64.b64encode(text) if "base64" in request.encoding else text


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
        errors="surrogatepass"
    )
