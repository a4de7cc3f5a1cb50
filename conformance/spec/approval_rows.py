"""The file of approvals and tolerances: TOML tables `[[approval]]`.

    [[approval]]
    class = "added"
    operation = "event"
    path = "payload.properties.$insert_id"
    reason = "events are deduplicated from now on"
    expires = 2026-12-31

Each has a reason, and a last day on which it is valid.
"""

import datetime
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from conformance.errors import DataError

REQUIRED = ("class", "operation", "path", "reason", "expires")


def read_approval_rows(
    path: Path,
    noun: str,
    classes: Collection[str],
    optional: tuple[str, ...] = (),
    lists: tuple[str, ...] = (),
) -> list[dict[str, Any]]:
    """The tables of a file: `expires` is a date, `lists` are lists of text, all others are text.

    `noun` is the name of a table in errors, `classes` are the allowed values of `class`, and
    `optional` and `lists` are the fields that a table may have besides REQUIRED.

    Raises DataError, which names the table and the field.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path}: not valid TOML: {error}") from error
    except RecursionError as error:
        raise DataError(f"{path}: nested too deeply to be read") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not text in UTF-8: {error}") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}") from error
    article = "an" if noun[0] in "aeiou" else "a"
    form = f"{article} {noun} is [[approval]], with two brackets"
    unknown = values.keys() - {"approval"}
    if unknown:
        raise DataError(f"{path}: unknown key {min(unknown)!r}; {form}")
    rows = values.get("approval", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path}: {form}")
    for number, row in enumerate(rows, 1):
        _check(f"{path}: {noun} {number}", row, classes, optional, lists)
    return rows


def _check(
    where: str,
    row: dict[str, Any],
    classes: Collection[str],
    optional: tuple[str, ...],
    lists: tuple[str, ...],
) -> None:
    known = (*REQUIRED, *optional, *lists)
    for field in row:
        if field not in known:
            raise DataError(f"{where}: unknown field {field!r}; known: {', '.join(known)}")
    for field in REQUIRED:
        if field not in row:
            raise DataError(f"{where}: {field!r} is missing")
    for field, value in row.items():
        if field == "expires":
            # Not isinstance: a time is a date as well.
            if type(value) is not datetime.date:
                raise DataError(f"{where}: expires must be a date without quotes: 2026-12-31")
        elif field in lists:
            if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
                raise DataError(f"{where}: {field} must be a list of texts")
            if not value:
                raise DataError(f"{where}: {field} is empty; omit it or name at least one")
        elif not isinstance(value, str):
            raise DataError(f"{where}: {field} must be text")
    if not row["reason"].strip():
        raise DataError(f"{where}: reason is empty; say why the difference is accepted")
    if row["class"] not in classes:
        raise DataError(f"{where}: class must be one of {', '.join(classes)}")
