"""The mapping file of a table: the member of a message for each column.

constants: {type: track}          members that every message has
columns:
  id: messageId                   column: path of the member
  price: {to: properties.price, as: number}
  odd: {to: [properties, "a.b"]}  a list, if a name has a dot
others: {to: properties, as: auto}  all other columns, under their own names
leave_out: [uuid_ts]              columns that are not read
empty: missing                    empty cells of CSV: `missing` (the default) or `text`
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from conformance.corpus.sources.cells import READERS
from conformance.corpus.sources.rows import RowError
from conformance.errors import DataError
from conformance.spec.scenarios.loading import Json
from translator.suggestions import suggestion

Member = tuple[str, ...]
"""A path in a message, such as `("properties", "price")`."""

_KEYS = frozenset(["constants", "columns", "others", "leave_out", "empty"])


class ColumnTarget(NamedTuple):
    """The member that gets the values of a column.

    `read_as` is a key of READERS; None keeps the type.
    """

    member: Member
    read_as: str | None


class ColumnMapping(NamedTuple):
    """A checked mapping file."""

    name: str
    constants: Mapping[Member, Any]
    columns: Mapping[str, ColumnTarget]
    others: ColumnTarget | None
    leave_out: frozenset[str]
    empty_is_text: bool

    def targets(self, table: str, names: Iterable[str]) -> dict[str, ColumnTarget]:
        """Column -> target, for the columns of a table that are read.

        Raises DataError if the table lacks a column, has one twice, or gives a member twice.
        """
        present = list(names)
        if len(set(present)) < len(present):
            twice = next(name for name in present if present.count(name) > 1)
            raise DataError(f"{table}: the column {twice!r} appears twice; rename one of them")
        for name in self.columns:
            if name not in present:
                hint = suggestion(name, present)
                raise DataError(f"{table}: there is no column {name!r} ({self.name}){hint}")
        found = dict(self.columns)
        if self.others is not None:
            for name in present:
                if name not in found and name not in self.leave_out:
                    member = (*self.others.member, name)
                    found[name] = ColumnTarget(member, self.others.read_as)
        members = [*self.constants, *(target.member for target in found.values())]
        _check_members(f"{table} with {self.name}", members)
        return found

    def message(self, targets: Mapping[str, ColumnTarget], cells: Mapping[str, Any]) -> Json:
        """The message of a row; cells that are None are left out. Raises RowError."""
        message: Json = {}
        for member, value in self.constants.items():
            _put(message, member, value)
        for name, target in targets.items():
            value = cells[name]
            if value is None or (value == "" and not self.empty_is_text):
                continue
            if target.read_as is not None:
                try:
                    value = READERS[target.read_as](value)
                except (ValueError, TypeError, OverflowError):
                    reason = f"the column {name!r} has a value that is not {target.read_as}"
                    raise RowError("bad_value", reason) from None
            _put(message, target.member, value)
        return message


def load_mapping(path: Path) -> ColumnMapping:
    """Read a mapping file. Raises DataError that names the key that is wrong."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise DataError(f"--mapping {path}: {error}") from error
    wrong = _Problem(path)
    if type(value) is not dict:
        raise wrong("must be an object with the key columns")
    for key in value:
        if key not in _KEYS:
            raise wrong(f"unknown key {key!r}{suggestion(key, sorted(_KEYS))}")
    constants, columns = value.get("constants") or {}, value.get("columns") or {}
    if type(constants) is not dict or type(columns) is not dict:
        raise wrong("constants and columns must be objects")
    leave_out, empty = value.get("leave_out") or [], value.get("empty", "missing")
    if type(leave_out) is not list or not all(type(name) is str for name in leave_out):
        raise wrong("leave_out must be a list of column names")
    if empty not in ("missing", "text"):
        raise wrong("empty must be missing or text")
    fixed = {wrong.member(key, "constants"): each for key, each in constants.items()}
    read = {str(name): wrong.target(to, f"columns, {name}") for name, to in columns.items()}
    others = value.get("others")
    mapping = ColumnMapping(
        str(path),
        fixed,
        read,
        None if others is None else wrong.target(others, "others"),
        frozenset(leave_out),
        empty == "text",
    )
    _check_members(str(path), [*fixed, *(target.member for target in read.values())])
    if ("type",) not in {*fixed, *(target.member for target in read.values())}:
        raise wrong("no type: give it in constants, such as {type: track}, or from a column")
    return mapping


class _Problem:
    """Checks parts of a mapping file; the errors name the file and the place."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, text: str) -> DataError:
        return DataError(f"--mapping {self._path}: {text}")

    def member(self, value: Any, place: str) -> Member:
        parts = tuple(value.split(".")) if type(value) is str else value
        if type(parts) is list:
            parts = tuple(parts)
        if type(parts) is not tuple or not parts or not all(type(p) is str and p for p in parts):
            raise self(f"{place}: a path must be a text such as properties.price, or a list")
        return parts

    def target(self, value: Any, place: str) -> ColumnTarget:
        if type(value) is not dict:
            return ColumnTarget(self.member(value, place), None)
        if set(value) - {"to", "as"} or "to" not in value:
            raise self(f"{place}: give to and, if needed, as")
        read_as = value.get("as")
        if read_as is not None and read_as not in READERS:
            raise self(f"{place}: as must be one of {', '.join(sorted(READERS))}")
        return ColumnTarget(self.member(value["to"], place), read_as)


def _check_members(place: str, members: list[Member]) -> None:
    """Raises DataError if two columns give the same member, or one gives a part of another."""
    known = set(members)
    if len(known) < len(members):
        twice = next(member for member in members if members.count(member) > 1)
        raise DataError(f"{place}: two columns give {'.'.join(twice)}")
    for member in members:
        for length in range(1, len(member)):
            if member[:length] in known:
                above = ".".join(member[:length])
                raise DataError(f"{place}: {above} and {'.'.join(member)} cannot both be given")


def _put(message: Json, member: Member, value: Any) -> None:
    for part in member[:-1]:
        message = message.setdefault(part, {})
    message[member[-1]] = value
