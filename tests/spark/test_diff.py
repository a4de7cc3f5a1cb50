"""`diff --engine spark`: byte for byte the report of the local engine."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.corpus.synth import synth
from tests.project.paths import ROOT
from tests.spark.run import run

NOW = ("--now", "2026-06-15T12:00:00Z")
"""The same time for both engines, for messages without a time."""

OLD = ("--old", "rules:observed", "--max-bad-lines", "99", *NOW)


def test_the_report_is_that_of_the_local_engine(session: Any, corpus: Path, tmp_path: Path) -> None:
    """Text, page and JSON are the same; bad lines, and a file that is given twice, count alike."""
    files = [corpus / "d.jsonl", corpus, corpus / "d.jsonl"]
    local = run("diff", *OLD, *files, report=tmp_path / "local")
    spark = run("diff", *OLD, *files, "--engine", "spark", report=tmp_path / "spark")
    assert spark == local
    assert json.loads(local.report["diff.json"])["bad_lines"] == 3


@pytest.mark.parametrize("form", ["columns", "lines"])
def test_parquet(session: Any, form: str, tmp_path: Path) -> None:
    """A row of a table is a message: its columns are fields, or its only column is a line."""
    import pyarrow
    from pyarrow import parquet

    messages = [
        {
            "type": "track",
            "messageId": f"m{number}",
            "userId": f"u{number}",
            "event": "Seen",
            "timestamp": "2026-06-15T12:00:00.000Z",
            "properties": {"plan": "pro", "visits": number},
            "context": {"page": {"url": "https://a.example/p"}},
        }
        for number in range(50)
    ]
    lines = [json.dumps(message) for message in messages]
    (tmp_path / "corpus.jsonl").write_text("".join(f"{line}\n" for line in lines))
    rows = messages if form == "columns" else [{"value": line} for line in lines]
    parquet.write_table(
        pyarrow.Table.from_pylist(rows), tmp_path / "corpus.parquet", row_group_size=7
    )
    local = run("diff", *OLD, tmp_path / "corpus.jsonl", report=tmp_path / "local")
    table = (tmp_path / "corpus.parquet", "--engine", "spark")
    spark = run("diff", *OLD, *table, report=tmp_path / "spark")
    name = b"corpus.jsonl"
    shown = {key: value.replace(b"corpus.parquet", name) for key, value in spark.report.items()}
    assert shown == local.report
    assert json.loads(local.report["diff.json"])["messages"] == 50


def test_a_driver_runs_on_the_workers(session: Any, tmp_path: Path) -> None:
    """With `exec:` a translator of any kind is compared on Spark."""
    lines = [json.dumps(message) for message in synth(100, seed=2)]
    (tmp_path / "corpus.jsonl").write_text("".join(f"{line}\n" for line in lines))
    driver = f"exec:{sys.executable} {ROOT / 'tests/conformance/drivers/ours.py'} translate"
    command = ("diff", "--old", driver, "--new", "tree", *NOW, tmp_path / "corpus.jsonl")
    local = run(*command, report=tmp_path / "local")
    spark = run(*command, "--engine", "spark", report=tmp_path / "spark")
    assert local.status in (0, 1)
    assert spark == local
