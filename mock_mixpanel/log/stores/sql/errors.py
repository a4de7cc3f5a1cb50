"""Explains errors of a database: the database, its message, and the advice."""

import sqlite3
from typing import Any

ADVICE = {
    "08": "It is tried again with the next request",
    "23": "Its tables hold rows of another program: delete those rows",
    "25006": "Allow this user to write",
    "28": "Check the user and the password",
    "3D000": "Give the database its name back, or restart the mock with another URL",
    "42501": "Grant this user the rights to read and write the tables",
    "42703": "Restore the table from a copy, or use another database",
    "42P01": "Restore the table from a copy, or use another database",
    "53100": "Free space on the disk of the database",
    "53300": "Raise max_connections, or close connections of other programs",
    "55P03": "End the program that locks the table",
    "57014": "Raise the time limit for statements, or end the program that locks the table",
    "57": "It is tried again with the next request",
    "SQLITE_BUSY": "End the program that locks the file",
    "SQLITE_CANTOPEN": "Check that the folder of the file exists and can be written",
    "SQLITE_CONSTRAINT": "Its tables hold rows of another program: delete those rows",
    "SQLITE_CORRUPT": "Stop the mock and restore the file from a copy, or use another file",
    "SQLITE_ERROR": "Restore the tables from a copy, or use another file",
    "SQLITE_FULL": "Free space on the disk",
    "SQLITE_IOERR": "Check the disk",
    "SQLITE_NOTADB": "Stop the mock and restore the file from a copy, or use another file",
    "SQLITE_READONLY": "Allow this user to write the file and its folder",
}
"""Beginning of an error's code (SQLSTATE of PostgreSQL, name of SQLite) -> what to do. The longest
beginning that fits is used."""
ADVICE_ON_CONNECTING = {
    "does not exist": ADVICE["3D000"],
    "too many": ADVICE["53300"],
    "connection slots": ADVICE["53300"],
    "authentication": ADVICE["28"],
}
"""Part of an English message -> what to do; an error while connecting has no code."""
OTHERWISE = "It is tried again with the next request"


def first_line(error: BaseException | None) -> str:
    """The message of the database, without the statement and its values."""
    return str(getattr(error, "orig", None) or error).splitlines()[0]


def explained(shown: str, error: BaseException) -> str:
    """An error text: the URL of the database, its message, and what to do."""
    code, text = _code(getattr(error, "orig", None) or error), first_line(error)
    known = [each for each in ADVICE if code.startswith(each)]
    found = [advice for part, advice in ADVICE_ON_CONNECTING.items() if part in text and not code]
    advice = ADVICE[max(known, key=len)] if known else (*found, OTHERWISE)[0]
    return f"{shown}: {text}. {advice}"


def _code(error: Any) -> str:
    if isinstance(error, sqlite3.Error):
        return str(getattr(error, "sqlite_errorname", ""))
    return str(getattr(error, "sqlstate", None) or "")
