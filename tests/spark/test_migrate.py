"""`migrate --engine spark`: byte for byte the report of the local engine."""

import json
from pathlib import Path
from typing import Any

from tests.spark.run import run

NOW = ("--now", "2026-06-15T12:00:00Z")
SIDES = ("--from", "rules:observed", "--to", "tree", "--max-bad-lines", "99")


def test_the_report_is_that_of_the_local_engine(session: Any, corpus: Path, tmp_path: Path) -> None:
    """People, events, profiles, charges and counters are compared alike."""
    local = run("migrate", *SIDES, *NOW, corpus, report=tmp_path / "local")
    engine = ("--engine", "spark")
    spark = run("migrate", *SIDES, *NOW, corpus, *engine, report=tmp_path / "spark")
    assert spark == local
    found = json.loads(local.report["migration.json"])
    assert found["bad_lines"] == 3
    assert len(found["differences"]) > 10
    assert found["people"]["from"] > 20
