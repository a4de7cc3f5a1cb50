"""Tables of a warehouse become messages as the mapping file says."""

import datetime as dt
import gzip
import io
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.corpus.sources.importing import run_import

MAPPING = """
constants: {type: track, context.library.name: warehouse}
columns:
  id: messageId
  event_text: event
  user_id: userId
  received_at: {to: receivedAt, as: time}
  price: {to: properties.price, as: number}
  odd: {to: [properties, "a.b"]}
"""
HEADER = "id,event_text,user_id,received_at,price,odd\n"
TIME = "2026-06-15 12:00:00.5+02"


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    file = tmp_path / "mapping.yaml"
    file.write_text(MAPPING)
    return file


def from_csv(mapping: Path, text: str) -> Any:
    return run_import("csv", "--mapping", mapping, stdin=text.encode("utf-8", "surrogateescape"))


def test_a_csv_row(mapping: Path) -> None:
    """Cells go to their paths with their types; quoted line breaks and commas stay."""
    found = from_csv(mapping, f'\ufeff{HEADER}1,"Bought, twice\n""now""",ann,{TIME},12.50,x\n')
    message = {
        "type": "track",
        "context": {"library": {"name": "warehouse"}},
        "messageId": "1",
        "event": 'Bought, twice\n"now"',
        "userId": "ann",
        "receivedAt": "2026-06-15T10:00:00.500Z",
        "properties": {"price": 12.5, "a.b": "x"},
    }
    assert (found.messages, found.status) == ([message], 0)


def test_large_integers_stay(tmp_path: Path) -> None:
    """An integer of more than 64 bits keeps all of its digits."""
    file = tmp_path / "mapping.yaml"
    file.write_text("constants: {type: track}\ncolumns: {n: {to: properties.n, as: integer}}\n")
    found = from_csv(file, f"n\n{10**30}\n")
    assert found.messages == [{"type": "track", "properties": {"n": 10**30}}]


def test_empty_cells(mapping: Path) -> None:
    """An empty cell gives no member, or an empty text if the mapping says so."""
    [message] = from_csv(mapping, f"{HEADER}1,A,,{TIME},1,\n").messages
    assert ("userId" in message, message["properties"]) == (False, {"price": 1})
    mapping.write_text(MAPPING + "empty: text\n")
    [message] = from_csv(mapping, f"{HEADER}1,A,,{TIME},1,\n").messages
    assert (message["userId"], message["properties"]) == ("", {"price": 1, "a.b": ""})


def test_bad_csv_rows_stop_only_themselves(mapping: Path) -> None:
    """Each bad row is counted by its code and named by its line."""
    rows = [
        f"1,A,ann,{TIME},1,",
        f"2,A,ann,{TIME},cheap,",
        "3,A,ann,yesterday,1,",
        "4,A",
        f"5,A\udcff,ann,{TIME},1,",
        f"6,A,ann,{TIME},nan,",
        "",
        f"7,A,ann,{TIME},1,",
    ]
    found = from_csv(mapping, HEADER + "\n".join(rows))
    assert ([each["messageId"] for each in found.messages], found.status) == (["1", "7"], 1)
    assert found.summary[1:] == [
        "left out: 5 rows",
        "  bad_value: 3",
        "    -:3: the column 'price' has a value that is not number",
        "    -:4: the column 'received_at' has a value that is not time",
        "    -:7: the column 'price' has a value that is not number",
        "  not_utf8: 1",
        "    -:6: a text is not valid UTF-8",
        "  wrong_cell_count: 1",
        "    -:5: the row has 2 cells, the header has 6 columns",
    ]


def test_a_cell_that_never_ends(mapping: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell over the limit is a bad row; reading goes on after it."""
    monkeypatch.setattr("conformance.corpus.sources.tables.MAX_LINE_BYTES", 1000)
    row = f"2,A,ann,{TIME},1,\n"
    found = from_csv(mapping, f'{HEADER}1,"{"x" * 990}\n{"y" * 990}\n{row}')
    assert [each["messageId"] for each in found.messages] == ["2"]
    assert "  not_csv: 1" in found.summary


def test_compressed_csv_and_other_columns(tmp_path: Path) -> None:
    """`others` takes the columns without a line of their own, except those of `leave_out`."""
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "columns: {kind: type, id: messageId}\n"
        "others: {to: properties, as: auto}\nleave_out: [uuid_ts]\n"
    )
    file = tmp_path / "in.csv.gz"
    text = "kind,id,size,zip,vip,plan,uuid_ts\npage,1,-2.5e1,007,true,pro,x\n"
    file.write_bytes(gzip.compress(text.encode()))
    found = run_import("csv", "--mapping", mapping, file)
    properties = {"size": -25.0, "zip": "007", "vip": True, "plan": "pro"}
    assert found.messages == [{"type": "page", "messageId": "1", "properties": properties}]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "must be an object with the key columns"),
        ("colums: {}", "unknown key 'colums'; did you mean 'columns'?"),
        ("columns: {id: messageId}", "no type: give it in constants"),
        ("columns: {id: {to: type, as: float}}", "columns, id: as must be one of auto, boolean"),
        ("columns: {id: {as: text}}", "columns, id: give to and, if needed, as"),
        ("columns: {id: 1, k: type}", "columns, id: a path must be a text"),
        ("columns: {id: a..b, k: type}", "columns, id: a path must be a text"),
        ("columns: {a: type, b: type}", "two columns give type"),
        ("columns: {k: type, a: x, b: x.y}", "x and x.y cannot both be given"),
        ("columns: {k: type}\nempty: null", "empty must be missing or text"),
        ("columns: {k: type}\nleave_out: x", "leave_out must be a list"),
        ("columns: [", "while parsing a flow node"),
    ],
)
def test_a_wrong_mapping(tmp_path: Path, text: str, problem: str) -> None:
    """A wrong mapping file is one error that names the file and the key; nothing is written."""
    file, output = tmp_path / "mapping.yaml", tmp_path / "out"
    file.write_text(text)
    found = run_import("csv", "--mapping", file, "-o", output, stdin=b"id\n1\n")
    assert (found.status, output.exists()) == (2, False)
    assert (
        found.summary[0].startswith(f"Error: --mapping {file}: ") or str(file) in found.summary[0]
    )
    assert problem in "\n".join(found.summary)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("id,event_texts,user_id,received_at,price,odd", "no column 'event_text'"),
        ("id,id,event_text,user_id,received_at,price,odd", "the column 'id' appears twice"),
        ("", "no column 'id'"),
    ],
)
def test_a_table_without_a_mapped_column(mapping: Path, header: str, problem: str) -> None:
    """A table that lacks a mapped column is an error, not a corpus without it."""
    found = from_csv(mapping, f"{header}\n1\n")
    assert (found.messages, found.status) == ([], 2)
    assert problem in found.summary[-1]


def parquet_file(path: Path, columns: dict[str, Any]) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path, row_group_size=2)
    return path


ALL = "constants: {type: track}\nothers: properties\n"


def test_parquet_types(tmp_path: Path) -> None:
    """Each type of Parquet has one form in JSON; null gives no member."""
    pyarrow = pytest.importorskip("pyarrow")
    moment = dt.datetime(2026, 6, 15, 12, 0, 0, 250_000)
    zone = dt.timezone(dt.timedelta(hours=2))
    columns = {
        "text": ["a", None],
        "whole": [2**62, None],
        "real": [0.5, None],
        "flag": [False, None],
        "price": [Decimal("12.50"), None],
        "count": [Decimal("3.00"), None],
        "naive": pyarrow.array([1781524800_250_000_001, None], pyarrow.timestamp("ns")),
        "zoned": pyarrow.array([moment.replace(tzinfo=zone), None], pyarrow.timestamp("us", "UTC")),
        "day": [dt.date(1969, 7, 20), None],
        "bytes": [b"\xff\x00", None],
        "list": [[{"a": 1}], None],
        "map": pyarrow.array([[("k", 1)], None], pyarrow.map_(pyarrow.string(), pyarrow.int8())),
    }
    (tmp_path / "m.yaml").write_text(ALL)
    file = parquet_file(tmp_path / "in.parquet", columns)
    found = run_import("parquet", "--mapping", tmp_path / "m.yaml", file)
    properties = {
        "text": "a",
        "whole": 2**62,
        "real": 0.5,
        "flag": False,
        "price": 12.5,
        "count": 3,
        "naive": "2026-06-15T12:00:00.250Z",
        "zoned": "2026-06-15T10:00:00.250Z",
        "day": "1969-07-20",
        "bytes": "/wA=",
        "list": [{"a": 1}],
        "map": {"k": 1},
    }
    assert found.messages == [{"type": "track", "properties": properties}, {"type": "track"}]


def test_bad_parquet_rows_stop_only_themselves(tmp_path: Path) -> None:
    """A value without a form in JSON or outside the calendar leaves out its row alone."""
    pyarrow = pytest.importorskip("pyarrow")
    columns = {
        "n": [1.0, float("nan"), float("inf"), 4.0, 5.0],
        "t": pyarrow.array([0, 0, 0, 2**62, 0], pyarrow.timestamp("ms")),
    }
    (tmp_path / "m.yaml").write_text(ALL)
    file = parquet_file(tmp_path / "in.parquet", columns)
    found = run_import("parquet", "--mapping", tmp_path / "m.yaml", file)
    assert [message["properties"]["n"] for message in found.messages] == [1.0, 5.0]
    assert found.summary[1:] == [
        "left out: 3 rows",
        "  bad_value: 3",
        f"    {file}:row 2: the column 'n' has a value that has no form in JSON",
        f"    {file}:row 3: the column 'n' has a value that has no form in JSON",
        f"    {file}:row 4: the column 't' has a value that has no form in JSON",
    ]


def test_only_mapped_columns_are_read(tmp_path: Path) -> None:
    """A column without a line in the mapping file gives nothing."""
    (tmp_path / "m.yaml").write_text("constants: {type: alias}\ncolumns: {id: messageId}\n")
    file = parquet_file(tmp_path / "in.parquet", {"id": ["1", "2", "3"], "secret": ["x"] * 3})
    found = run_import("parquet", "--mapping", tmp_path / "m.yaml", file)
    assert found.messages == [{"type": "alias", "messageId": each} for each in "123"]


def test_wrong_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input, another kind of file and a missing package are clear errors."""
    pytest.importorskip("pyarrow")
    mapping = tmp_path / "m.yaml"
    mapping.write_text(ALL)
    (tmp_path / "text").write_text("no Parquet")
    assert run_import("parquet", "--mapping", mapping, stdin=b"").summary == [
        "Error: --from parquet reads files; it cannot read standard input"
    ]
    found = run_import("parquet", "--mapping", mapping, tmp_path / "text")
    assert (found.status, "cannot be read to its end" in found.summary[-1]) == (2, True)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    found = run_import("parquet", "--mapping", mapping, tmp_path / "text", "-o", tmp_path / "out")
    assert (found.status, (tmp_path / "out").exists()) == (2, False)
    assert "pip install 'mockpanel[parquet]'" in found.summary[0]


def test_memory_stays_bounded(mapping: Path) -> None:
    """Rows are given one by one, before the input has ended."""
    from conformance.corpus.sources.column_mapping import load_mapping
    from conformance.corpus.sources.tables import _csv_rows

    def endless() -> Any:
        yield from io.StringIO(HEADER)
        while True:
            yield f"1,A,ann,{TIME},1,\n"

    rows = _csv_rows("endless", endless(), load_mapping(mapping))
    assert [next(rows).where for _ in range(3)] == ["endless:2", "endless:3", "endless:4"]
