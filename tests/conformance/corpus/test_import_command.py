"""The command `corpus import`: usage, outputs and exit statuses."""

import gzip
import json
from pathlib import Path

import pytest

from tests.conformance.corpus.sources.importing import run_import

LINE = b'{"type":"track","userId":"ann","event":"Seen"}\n'


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["csv"], "Error: --from csv needs --mapping FILE, which names the columns"),
        (["parquet"], "Error: --from parquet needs --mapping FILE, which names the columns"),
        (["har", "--mapping", "m"], "Error: --mapping is for csv and parquet, not for har"),
        (["segment-s3", "nowhere"], "Error: FILE nowhere: there is no such file"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: list[str], problem: str) -> None:
    """Wrong usage ends with 2 before anything is written."""
    output = tmp_path / "out"
    found = run_import(*arguments, "-o", output, stdin=LINE)
    assert (found.status, found.summary, output.exists()) == (2, [problem], False)


def test_the_output_is_opened_first(tmp_path: Path) -> None:
    """An output that cannot be opened is an error before the input is read."""
    found = run_import("segment-s3", "-o", tmp_path / "missing" / "out", stdin=LINE)
    assert (found.status, found.messages) == (2, [])
    assert found.summary[-1].startswith(f"Error: --output {tmp_path}/missing/out: ")
    assert "imported" not in "".join(found.summary)


def test_the_output_is_no_input(tmp_path: Path) -> None:
    """An output that is one of the inputs would be lost; it is refused."""
    file = tmp_path / "in.jsonl"
    file.write_bytes(LINE)
    found = run_import("segment-s3", tmp_path, "-o", file)
    assert (found.status, file.read_bytes()) == (2, LINE)
    assert found.summary == [f"Error: --output {file} is also an input; give another file"]


def test_a_compressed_output(tmp_path: Path) -> None:
    """The name of the output says how it is compressed; `diff` reads it."""
    output = tmp_path / "out.jsonl.gz"
    found = run_import("segment-s3", "-o", output, stdin=LINE)
    assert (found.status, found.summary) == (0, ["imported: 1 messages (1 track)"])
    assert gzip.decompress(output.read_bytes()) == LINE


def test_nothing_found() -> None:
    """An import without a message ends with 1."""
    found = run_import("segment-s3", stdin=b"\n")
    assert (found.status, found.summary) == (1, ["imported: 0 messages"])


def test_a_damaged_input_keeps_what_came_before(tmp_path: Path) -> None:
    """The messages before the damage are written and counted; the error names the file."""
    whole, cut = tmp_path / "1.gz", tmp_path / "2.gz"
    whole.write_bytes(gzip.compress(LINE))
    cut.write_bytes(gzip.compress(json.dumps(list(range(9999))).encode())[:-300])
    found = run_import("segment-s3", whole, cut, "-o", tmp_path / "out")
    assert (found.status, (tmp_path / "out").read_bytes()) == (2, LINE)
    assert found.summary[0] == "imported: 1 messages (1 track)"
    assert found.summary[-1].startswith(f"Error: {cut}: cannot be read to its end")
