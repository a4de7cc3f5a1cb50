"""The outcome of each scenario and capture: the one record that every report is made from.

`results.jsonl` holds it whole, so that a report can be made, or compared, from the file alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from conformance.runner.compare import Difference
from conformance.spec.expected_failures import ExpectedFailure
from conformance.spec.scenarios.loading import Json, Scenario

REDACTED = "[redacted]"

EXPECTS_NOTHING = "expects-nothing"
"""The tag of an outcome whose scenario expects no request; it is counted apart."""

SOURCE_OF_HEADING = "doc#"

LEVELS = ("must", "should", "info")
"""From requirements of a source to choices between equal alternatives."""


class Verdict(StrEnum):
    """The verdict on one outcome, in the order of importance."""

    ERROR = "error"
    """The engine or the driver failed, so the translator was not judged."""
    FAIL = "fail"
    STALE = "stale"
    """It was expected to fail, and conforms: the list of expected failures is out of date."""
    EXPECTED_FAILURE = "expected failure"
    SKIP = "skip"
    """The target has no way to do it; the reason is in the outcome."""
    PASS = "pass"  # noqa: S105 - not a password

    @property
    def red(self) -> bool:
        """Whether an outcome with this verdict makes the run fail."""
        return self in (Verdict.ERROR, Verdict.FAIL, Verdict.STALE)


PLURALS = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.STALE: "stale",
    Verdict.EXPECTED_FAILURE: "expected failures",
    Verdict.SKIP: "skipped",
    Verdict.ERROR: "errors",
}


@dataclass(frozen=True)
class Outcome:
    """One scenario, or one capture under one rule set, with its verdict.

    `reason` says why it was skipped, had an error, or was expected to fail; `notes` are remarks for
    readers, such as what could not be compared. `given` is the input, `expected` and `actual` the
    output, by section (`requests`, `skipped`, ..., `state`).
    """

    kind: str
    id: str
    title: str
    level: str
    mode: str
    rules: str
    source: tuple[str, ...]
    verdict: Verdict
    why: str = ""
    tags: tuple[str, ...] = ()
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
    given: Json = field(default_factory=dict)
    expected: Json = field(default_factory=dict)
    actual: Json = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        """The key that is the same in every run."""
        return self.kind, self.id, self.rules

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings of the doc that it is about, by slug."""
        return tuple(
            source.removeprefix(SOURCE_OF_HEADING)
            for source in self.source
            if source.startswith(SOURCE_OF_HEADING)
        )

    def text(self) -> str:
        """One line; unless it passed, also why it matters and every difference, in full."""
        kind = "" if self.kind == "scenario" else f"{self.kind} "
        head = f"{self.verdict.upper()}  {kind}{self.id}  {self.level}  {self.title}"
        if self.verdict is Verdict.PASS:
            return head
        lines = [head]
        if self.reason:
            lines.append(self.reason)
        if self.verdict.red:
            lines += [f"why: {self.why}"] if self.why else []
            lines.append(f"source: {', '.join(self.source)}")
            lines += [str(difference) for difference in self.differences]
            lines += self.notes
        return "\n  ".join("\n".join(lines).splitlines())

    def as_json(self) -> Json:
        """A line of results.jsonl."""
        values: Json = {each.name: getattr(self, each.name) for each in fields(self)}
        values["verdict"] = self.verdict.value
        values["differences"] = [difference.as_json() for difference in self.differences]
        return values

    @classmethod
    def from_json(cls, line: Json) -> "Outcome":
        """The outcome in a line; raises KeyError, TypeError or ValueError if malformed."""
        values: dict[str, Any] = {each.name: line[each.name] for each in fields(cls)}
        for name in ("source", "tags", "notes"):
            values[name] = tuple(values[name])
        values["verdict"] = Verdict(values["verdict"])
        values["differences"] = tuple(map(Difference.from_json, values["differences"]))
        return cls(**values)


def of_scenario(scenario: Scenario, verdict: Verdict, **more: Any) -> Outcome:
    """An outcome that describes the scenario; `more` are its verdict and differences."""
    return Outcome(
        kind="scenario",
        id=scenario.id,
        title=scenario.title,
        level=scenario.level,
        mode=scenario.mode,
        rules=scenario.rules,
        source=scenario.source,
        verdict=verdict,
        why=scenario.why,
        tags=tuple(sorted(scenario.tags)),
        given=without_secrets(scenario.given),
        **more,
    )


def judged(outcome: Outcome, expected_failures: Mapping[str, ExpectedFailure]) -> Outcome:
    """The outcome, with the expected failures (by id) applied.

    A difference at a place that the expected failure does not name stays a failure.
    """
    expected = expected_failures.get(outcome.id)
    if expected is None:
        return outcome
    if outcome.verdict is Verdict.FAIL:
        new = [each.path for each in outcome.differences if not expected.covers(each.path)]
        if not new:
            return replace(outcome, verdict=Verdict.EXPECTED_FAILURE, reason=expected.reason)
        return replace(
            outcome, reason=f"beyond what is expected ({expected.reason}): {', '.join(new)}"
        )
    if outcome.verdict is Verdict.PASS:
        text = (
            "it conforms now; remove it from the list of expected failures, where it says: "
            f"{expected.reason}"
        )
        return replace(outcome, verdict=Verdict.STALE, reason=text)
    return outcome


def counts(outcomes: Iterable[Outcome]) -> str:
    """`N passed, N failed`, and the counts of the other verdicts that occur."""
    found = Counter(outcome.verdict for outcome in outcomes)
    always = (Verdict.PASS, Verdict.FAIL)
    others = (Verdict.SKIP, Verdict.EXPECTED_FAILURE, Verdict.STALE, Verdict.ERROR)
    shown = [*always, *(verdict for verdict in others if found[verdict])]
    return ", ".join(f"{found[verdict]} {PLURALS[verdict]}" for verdict in shown)


def without_secrets(given: Json) -> Json:
    """The input, without secrets."""
    hidden = dict(given)
    for section, key in (("settings", "apiSecret"), ("project", "secret")):
        if given.get(section, {}).get(key):
            hidden[section] = {**given[section], key: REDACTED}
    return hidden
