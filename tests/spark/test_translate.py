"""`translate --engine spark`: the answers of the local engine, in the same order."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.spark.run import run

NOW = ("--now", "2026-06-15T12:00:00Z")


@pytest.fixture
def settings(tmp_path: Path) -> tuple[str, Path]:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"token": "T", "apiSecret": "S"}))
    return "--settings", file


@pytest.fixture
def expected(corpus: Path, settings: tuple[str, Path]) -> bytes:
    """The answers of the local engine to all files, in order."""
    files = sorted(corpus.iterdir())
    return b"".join(run("translate", *settings, *NOW, file).output for file in files)


def test_standard_output(
    session: Any, corpus: Path, settings: tuple[str, Path], expected: bytes
) -> None:
    """All answers of a folder in order; errors are counted by code, and the status says so."""
    ran = run("translate", *settings, *NOW, "--engine", "spark", corpus)
    assert ran.output == expected
    answers = [json.loads(line) for line in expected.splitlines()]
    codes = Counter(answer["error"]["code"] for answer in answers if answer["error"])
    lines = [f"{len(answers):,} messages, {codes.total():,} errors"]
    lines += [f"  {count:,} {code}" for code, count in sorted(codes.items())]
    assert ran.errors.endswith("\n".join(lines) + "\n")
    assert ran.status == 1


def test_output_folder(
    session: Any, corpus: Path, settings: tuple[str, Path], expected: bytes, tmp_path: Path
) -> None:
    """The files of the folder have the answers in order; a folder that exists is refused.

    The input is a URL with a glob, which Spark reads by itself.
    """
    folder = tmp_path / "answers"
    spark = ("--engine", "spark", "--output", folder, f"file://{corpus}/[a-d]*")
    assert run("translate", *settings, *NOW, *spark).status == 1
    parts = sorted(folder.glob("part-*"))
    assert len(parts) > 2
    assert b"".join(part.read_bytes() for part in parts) == expected
    again = run("translate", *settings, *NOW, *spark)
    assert (again.status, "already exists" in again.errors) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--engine", "spark", "file:///no/such/file"), "PATH_NOT_FOUND"),
        (("--engine", "spark", "s3n://bucket/file"), "No FileSystem for scheme"),
        (("--engine", "spark", "s3a://bucket/file"), "no connector for this kind of URL"),
        (
            ("--engine", "spark", "hdfs://127.0.0.1:1/file"),
            "no name node of HDFS answers at hdfs://127",
        ),
        (("--engine", "spark", "hdfs:///file"), "Incomplete HDFS URI, no host"),
        (("--engine", "spark", "file://host/file"), "Wrong FS"),
        (("--engine", "spark"), "cannot read standard input"),
        (("s3a://bucket/file",), "--engine spark"),
        (("--master", "local"), "--master is for --engine spark"),
        (("--engine", "spark", "--mode", "web", "file:///a"), "--engine spark is for cloud mode"),
    ],
)
def test_wrong_input(
    session: Any, settings: tuple[str, Path], arguments: tuple[str, ...], problem: str
) -> None:
    """What cannot be read is wrong usage, and the error says why."""
    ran = run("translate", *settings, *arguments)
    assert (ran.status, ran.output) == (2, b"")
    assert problem in ran.errors


def test_a_damaged_file(session: Any, settings: tuple[str, Path], tmp_path: Path) -> None:
    """A gzip file that is cut off is an error that names it, not the end of the corpus."""
    data = gzip.compress(b'{"type": "track", "event": "E", "userId": "u"}\n' * 9000, 0)
    (tmp_path / "cut.gz").write_bytes(data[: len(data) // 2])
    ran = run("translate", *settings, *NOW, "--engine", "spark", tmp_path / "cut.gz")
    assert ran.status == 2
    assert f"file://{tmp_path}/cut.gz: java.io.EOFException: Unexpected end" in ran.errors


def test_a_table_that_is_empty(session: Any, settings: tuple[str, Path], tmp_path: Path) -> None:
    """A Parquet file without a byte is an error that names it, also beside other tables."""
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist([{"type": "track"}]), tmp_path / "a.parquet")
    (tmp_path / "b c.parquet").touch()
    ran = run("translate", *settings, *NOW, "--engine", "spark", tmp_path)
    assert (ran.status, ran.output) == (2, b"")
    assert f"{tmp_path}/b c.parquet is not a Parquet file: it is empty" in ran.errors


@pytest.mark.parametrize("name", ["10:30.jsonl", "_a.jsonl", ".a.jsonl", "a.jsonl._COPYING_"])
def test_a_name_that_spark_cannot_read(
    session: Any, settings: tuple[str, Path], name: str, tmp_path: Path
) -> None:
    """The error names the file."""
    (tmp_path / name).write_text('{"type": "track", "event": "E", "userId": "u"}\n')
    ran = run("translate", *settings, *NOW, "--engine", "spark", tmp_path / name)
    assert (ran.status, ran.output) == (2, b"")
    assert f"Spark cannot read {tmp_path / name}" in ran.errors or (
        f"Spark does not read {tmp_path / name}" in ran.errors
    )


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("A.PARQUET", {"type": "track", "event": "E", "userId": "u"}),
        ("a.parquet", {"type": "track", "event": "E", "userId": "u", "userID": "v", "Event": 1}),
        ("a.parquet", {"a`b.c": '{"type": "track", "event": "E", "userId": "u"}'}),
    ],
)
def test_a_table(
    session: Any, settings: tuple[str, Path], name: str, columns: dict[str, Any], tmp_path: Path
) -> None:
    """The case of the file's name has no effect; that of a column's name has, as in JSON."""
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist([columns]), tmp_path / name)
    line = json.dumps(columns) if "type" in columns else columns["a`b.c"]
    (tmp_path / "a.jsonl").write_text(line + "\n")
    local = run("translate", *settings, *NOW, tmp_path / "a.jsonl")
    spark = run("translate", *settings, *NOW, "--engine", "spark", tmp_path / name)
    assert (spark.status, spark.output) == (0, local.output)


def test_an_output_folder_that_exists(settings: tuple[str, Path], tmp_path: Path) -> None:
    """It is refused before Spark starts."""
    spark = ("--engine", "spark", "--output", tmp_path, "file:///no/such/file")
    ran = run("translate", *settings, *spark)
    assert (ran.status, f"--output {tmp_path} already exists" in ran.errors) == (2, True)
