"""Failures grouped by cause: the same difference at the same place of the same operation.

One cause often fails hundreds of cases. A cause that is the only one of a case is worth fixing
first, so it is counted too. Causes of failures with the level must come first.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from conformance.runner.compare import Difference
from conformance.runner.outcomes import Outcome, Verdict
from conformance.runner.tolerances import DifferenceClass, class_of

_PLAIN = {
    DifferenceClass("missing", "event", ""): "an event is missing",
    DifferenceClass("unexpected", "event", ""): "an event is not expected",
    DifferenceClass("changed", "event", "person"): "an event belongs to another person",
    DifferenceClass("changed", "event", "time"): "an event has another time",
    DifferenceClass("changed", "event", "region"): "an event went to another region",
    DifferenceClass("missing", "profile", ""): "a profile is missing",
    DifferenceClass("unexpected", "profile", ""): "a profile is not expected",
    DifferenceClass("missing", "group", ""): "a group is missing",
    DifferenceClass("unexpected", "group", ""): "a group is not expected",
    DifferenceClass("missing", "people", "joined"): "one person is split into two",
    DifferenceClass("unexpected", "people", "joined"): "two people are joined into one",
    DifferenceClass("changed", "people", "canonical"): "a person is known by another id",
    DifferenceClass("missing", "errors", "[]"): "a message is not reported as an error",
    DifferenceClass("unexpected", "errors", "[]"): "a message is reported as an error",
    DifferenceClass("changed", "errors", "[]"): "another message is reported as an error",
    DifferenceClass("missing", "control", ""): "no event of the session arrives",
    DifferenceClass("unexpected", "settings_error", ""): "settings are refused",
    DifferenceClass("missing", "settings_error", ""): "wrong settings are not refused",
}
"""Classes of differences, in plain words."""

_QUOTED = re.compile(r'\["([^"\\]+)"\]')

CHARACTERS = 120
"""Maximum characters of an error or a reason in a cause."""

_PROGRAM = re.compile(r"\A(exec|http):.*?: (?=the answer to|[a-z]+ )", re.DOTALL)
"""The target at the beginning of an error; it is the same in the whole run."""

SHOWN = 30
"""Number of causes that a terminal shows; the HTML report shows all."""


class Cause(NamedTuple):
    """A cause with the ids of the failed cases that have it, and of those that have no other.

    `must` is the number of its cases with the level must in which the documentation states it.
    """

    text: str
    cases: tuple[str, ...]
    sole: tuple[str, ...]
    must: int = 0

    @property
    def examples(self) -> tuple[str, ...]:
        """Its cases, beginning with those that have no other cause."""
        return tuple(dict.fromkeys([*self.sole, *self.cases]))


def causes(outcomes: Iterable[Outcome]) -> list[Cause]:
    """The causes of all failures: first those of most `must` failures, then the most frequent."""
    must: Counter[str] = Counter()
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    sole: Counter[str] = Counter()
    alone: defaultdict[str, list[str]] = defaultdict(list)
    for outcome in outcomes:
        if not outcome.verdict.red:
            continue
        texts = _causes_of(outcome)
        for text in texts:
            must[text] += texts[text] and outcome.id not in found[text]
            found[text][outcome.id] = None
        if len(texts) == 1:
            [text] = texts
            sole[text] += 1
            alone[text].append(outcome.id)
    order = sorted(found, key=lambda text: (-must[text], -len(found[text]), -sole[text], text))
    return [Cause(text, tuple(found[text]), tuple(alone[text]), must[text]) for text in order]


def causes_text(outcomes: Sequence[Outcome]) -> list[str]:
    """The causes for a terminal; empty for a single failure, which is shown in full."""
    found = causes(outcomes)
    if sum(outcome.verdict.red for outcome in outcomes) < 2:
        return []
    lines = [f"{len(found)} causes, first those of failures that are must, most frequent first:"]
    for cause in found[:SHOWN]:
        count = len(cause.cases)
        line = f"  {cause.text}: {count} case{'' if count == 1 else 's'}"
        if cause.must:
            line += f", {cause.must} must"
        if cause.sole:
            line += f", the only cause of {len(cause.sole)}"
        lines.append(f"{line}, such as {cause.examples[0]}")
    if len(found) > SHOWN:
        lines.append(f"  and {len(found) - SHOWN} rarer causes; --report DIR shows them all")
    return lines


def _causes_of(outcome: Outcome) -> dict[str, bool]:
    """The causes of one failed case, and whether each makes it a failure that is `must`."""
    must = outcome.level == "must"
    if outcome.verdict is Verdict.STALE:
        return {"expected to fail, and passes": must}
    if outcome.verdict is Verdict.ERROR:
        return {f"not judged: {_first_line(_PROGRAM.sub('', outcome.reason))}": must}
    found: dict[str, bool] = {}
    for each in outcome.differences:
        text = _cause_of(each, outcome)
        found[text] = found.get(text, False) or (must and each.stated)
    return found or {"failed": must}


def _cause_of(difference: Difference, outcome: Outcome) -> str:
    if difference.path == "target":
        return f"the translator failed: {_first_line(str(difference.actual))}"
    text = _words(class_of(difference, outcome))
    return f"{text}, because {_first_line(difference.reason)}" if difference.reason else text


def _words(found: DifferenceClass) -> str:
    """The class of a difference in plain words."""
    known = _PLAIN.get(found)
    if known:
        return known
    path = found.path
    if found.operation == "event" and path.startswith("properties"):
        return f"event property {_name(path.removeprefix('properties'))} {found.kind}"
    if found.operation in ("profile", "group") and path:
        return f"{found.operation} property {_name(path)} {found.kind}"
    return str(found)


def _name(path: str) -> str:
    """The name of a property in a path; what is below it stays a path."""
    quoted = _QUOTED.fullmatch(path)
    return quoted[1] if quoted else path.removeprefix(".")


def _first_line(text: str) -> str:
    line = (text.splitlines() or [""])[0]
    return line if len(line) <= CHARACTERS else f"{line[:CHARACTERS]}..."
