"""What a run writes down."""

import dataclasses
import json
from pathlib import Path

from conformance.compare import Difference, Kind
from conformance.loader import load_scenarios
from conformance.report import Verdict, scenario_summary, write_results


def verdict(level: str = "must", source: str = "doc#alias", *differences: Difference) -> Verdict:
    scenario = dataclasses.replace(load_scenarios()[0], level=level, source=(source,))
    return Verdict(scenario, differences)


def test_summary() -> None:
    """All are counted, then each level that occurs, then those without a source."""
    failed = Difference("requests[0]", Kind.MISSING, {})
    verdicts = [verdict(), verdict("must", "doc#alias", failed), verdict("info", "unsourced")]
    assert (
        "2 passed, 1 failed; must: 1 passed, 1 failed; info: 1 passed, 0 failed; 1 unsourced"
    ) == scenario_summary(verdicts)


def test_differences_are_written_whole(tmp_path: Path) -> None:
    """A line holds path, kind and both values, whatever they are."""
    odd = "\ud800" + "x" * 5000
    write_results(
        tmp_path,
        [verdict("must", "doc#alias", Difference("a", Kind.CHANGED, odd, 2**70)).as_json()],
    )
    line = json.loads((tmp_path / "results.jsonl").read_text())
    assert [{"path": "a", "kind": "changed", "expected": odd, "actual": 2**70}] == line[
        "differences"
    ]
    assert "failed" == line["verdict"]
