"""What an outcome shows and what it hides."""

import dataclasses

from conformance.runner.compare import Difference, Kind
from conformance.runner.outcomes import Verdict, of_scenario
from conformance.spec.scenarios.loading import load_scenarios

SCENARIO = dataclasses.replace(load_scenarios()[0], id="a/b", title="T", level="must", why="W")


def test_secrets_are_hidden() -> None:
    """A scenario's secret is not in any report; nothing else is left out."""
    given = {
        "settings": {"token": "T", "apiSecret": "S3CRET"},
        "project": {"secret": "S3CRET", "region": "eu"},
        "clock": "2026-06-15T12:00:00Z",
    }
    outcome = of_scenario(dataclasses.replace(SCENARIO, given=given), Verdict.PASS)
    assert outcome.given == {
        "settings": {"token": "T", "apiSecret": "[redacted]"},
        "project": {"secret": "[redacted]", "region": "eu"},
        "clock": "2026-06-15T12:00:00Z",
    }
    assert given["settings"]["apiSecret"] == "S3CRET"  # type: ignore[index]


def test_text_of_what_is_not_red() -> None:
    """A pass is one line; a skip and an expected failure have their reason, and no differences."""
    difference = Difference("requests[0]", Kind.MISSING, {})
    lines = [
        of_scenario(SCENARIO, verdict, reason=reason, differences=(difference,)).text()
        for verdict, reason in (
            (Verdict.PASS, ""),
            (Verdict.SKIP, "no groups"),
            (Verdict.EXPECTED_FAILURE, "swaps ids"),
        )
    ]
    assert lines == [
        "PASS  a/b  must  T",
        "SKIP  a/b  must  T\n  no groups",
        "EXPECTED FAILURE  a/b  must  T\n  swaps ids",
    ]
