"""Runs to write down."""

from typing import Any

from conformance.reports.results import Report
from conformance.runner.compare import Difference, Kind
from conformance.runner.outcomes import Outcome, Verdict

HOSTILE = (
    "<script>document.title = 'pwned'</script>\"'>"
    "<img src=x onerror=\"document.title='p'\">\x00\ud800"
)

RECORD = {"event": "Opened", "properties": {"distinct_id": "ann", "time": 1, "long": "x" * 80}}


def outcome(scenario_id: str, verdict: Verdict, **more: Any) -> Outcome:
    values: dict[str, Any] = {
        "kind": "scenario",
        "title": f"The title of {scenario_id}",
        "level": "must",
        "mode": "cloud",
        "rules": "documented",
        "source": ("doc#track",),
        "why": "people would be lost",
        "given": {
            "clock": "2026-06-15T12:00:00Z",
            "settings": {"token": "T"},
            "steps": [
                {"messages": [{"type": "track", "event": "Opened"}, 5]},
                {"advance": 5},
                {"lines": ["no json"]},
            ],
        },
        "expected": {"requests": [{"endpoint": "/track", "record": RECORD}], "skipped": []},
        "actual": {"requests": [{"endpoint": "/track", "record": RECORD}], "skipped": []},
    }
    return Outcome(id=scenario_id, verdict=verdict, **{**values, **more})


def failing() -> Outcome:
    """A failure with a changed, a missing and an unexpected place."""
    wrong = {"properties": {"more": 1, "time": 2, "distinct_id": "ann"}, "event": "Opened"}
    path = "requests[0].record.properties"
    return outcome(
        "track/fails",
        Verdict.FAIL,
        actual={"requests": [{"record": wrong, "endpoint": "/track"}], "skipped": []},
        differences=(
            Difference(f"{path}.long", Kind.MISSING, "x" * 80),
            Difference(f"{path}.more", Kind.UNEXPECTED, actual=1),
            Difference(f"{path}.time", Kind.CHANGED, 1, 2),
        ),
    )


def every_verdict() -> Report:
    """A run with each verdict, two captures, and what is hostile."""
    return report(
        outcome("alias/passes", Verdict.PASS, source=("doc#alias", "a/b#12")),
        failing(),
        outcome("track/skipped", Verdict.SKIP, level="should", reason="no groups", actual={}),
        outcome("track/breaks", Verdict.ERROR, reason="ended with exit status 1", actual={}),
        outcome("track/known", Verdict.EXPECTED_FAILURE, level="info", reason="ticket 12"),
        outcome(
            "time/stale",
            Verdict.STALE,
            reason="it conforms now",
            source=("docs/facts/cloud-classic.md#alias",),
        ),
        outcome(
            "time/hostile",
            Verdict.FAIL,
            title=HOSTILE,
            why=HOSTILE,
            reason=HOSTILE,
            notes=(HOSTILE,),
            source=(HOSTILE,),
            given={HOSTILE: HOSTILE},
            expected={"requests": [{HOSTILE: HOSTILE}]},
            actual={"requests": [{HOSTILE: 1}]},
            differences=(Difference(f"requests[0].{HOSTILE}", Kind.CHANGED, HOSTILE, 1),),
        ),
        outcome("c-1", Verdict.PASS, kind="capture", actual={"explained_by": {"insert_id": []}}),
        outcome("c-2", Verdict.EXPECTED_FAILURE, kind="capture", reason="a defect"),
    )


def report(*outcomes: Outcome) -> Report:
    return Report(
        "exec:node driver.mjs",
        "node example",
        "0.1.0",
        "2026-06-15T12:00:00+00:00",
        1.25,
        "",
        outcomes,
    )


def all_pass() -> Report:
    return report(outcome("track/one", Verdict.PASS), outcome("track/two", Verdict.PASS))
