"""`/lookup-tables`: listing and replacing (docs/facts/mixpanel-http-api.md#lookup-tables).

The tables of a project are its option `lookup_tables`. A replaced table is an entry of the log, and
its rows are in the journal. Envelopes are those of the specification, `code` and `status` as words;
the `code` of the 404 is 404 (choice). Queries of this mock do not join with the tables.
"""

import csv
import io
from collections.abc import Iterator

from mock_mixpanel.ingest.decoding.compression import (
    BodyTooLargeError,
    UnreadableError,
    decompressed,
)
from mock_mixpanel.ingest.replies import json_reply
from mock_mixpanel.readback.access import CallError
from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse

PATH = "/lookup-tables"
MAX_BYTES = 100 * 1024 * 1024
"""Before and after decompression; "100 MB" is documented, and the larger reading is used."""
MAX_FAILED = 10
MAX_FIELD = 10**9

OK = {"code": 200, "status": "OK"}


def list_tables(call: ReadbackCall) -> ReadbackResponse:
    """The tables of the project. Raises CallError 401."""
    tables = call.project().lookup_tables
    results = [{"id": each.id, "name": each.name} for each in tables]
    return ReadbackResponse.json({**OK, "results": results})


def replace_table(call: ReadbackCall, table_id: str) -> ReadbackResponse:
    """Replace a whole table. Raises CallError 400, 401, 404 for an unknown table, 413."""
    project = call.project()
    if table_id not in [each.id for each in project.lookup_tables]:
        raise CallError(404, f"Lookup table with id '{table_id}' was not found.")
    rows = _rows(call)
    failed = [
        {"index": index, "message": message} for index, message in _problems(rows) if message
    ][:MAX_FAILED]
    if failed:
        error = "some rows in the request failed validation"
        body = {"code": 400, "error": error, "failed_records": failed, "status": "Bad Request"}
        return ReadbackResponse(json_reply(400, body))
    record = {"id": table_id, "columns": rows[0], "rows": rows[1:]}
    return ReadbackResponse(json_reply(200, OK), [call.draft(project, PATH, record)])


def _rows(call: ReadbackCall) -> list[list[str]]:
    """The header and the rows. Raises CallError 400 or 413."""
    try:
        if call.incoming.body is None:
            raise BodyTooLargeError
        plain = decompressed(call.body, call.envelope.header("Content-Encoding"), MAX_BYTES)
        text = plain.decode("utf-8-sig")
        csv.field_size_limit(MAX_FIELD)
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except BodyTooLargeError as error:
        raise CallError(413, f"request exceeds max limit of {MAX_BYTES} bytes") from error
    except (UnreadableError, UnicodeDecodeError, csv.Error) as error:
        raise CallError(400, f"body is not CSV: {error}") from error
    if not rows:
        raise CallError(400, "body is empty; its first row must be a header")
    return rows


def _problems(rows: list[list[str]]) -> Iterator[tuple[int, str]]:
    """Index and reason of each bad row; the header is row 0, the texts are those known
    (docs/facts/mixpanel-http-api.md#lookup-tables)."""
    header, seen = rows[0], dict[str, int]()
    if len(set(header)) < len(header):
        yield 0, "invalid header: column names must be unique"
    for index, row in enumerate(rows[1:], start=1):
        key = row[0]
        if len(row) != len(header):
            yield index, "invalid row: wrong number of fields"
        elif not key.strip():
            yield index, "primary key is required and cannot be blank"
        elif key in seen:
            both = f"row indexes {seen[key]} and {index}"
            yield index, f"invalid row: {both} have the same primary key"
        else:
            seen[key] = index
