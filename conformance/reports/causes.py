"""Failures grouped by cause: the same difference at the same place of the same operation.

One cause often fails hundreds of cases. A cause that is the only one of a case is worth fixing
first, so it is counted too.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from conformance.runner.compare import Difference
from conformance.runner.outcomes import Outcome, Verdict
from conformance.runner.tolerances import class_of

CHARACTERS = 120
"""How much of an error or a reason a cause shows."""

_PROGRAM = re.compile(r"\A(exec|http):.*?: (?=the answer to|[a-z]+ )", re.DOTALL)
"""The target at the begin of an error; it is the same in the whole run."""

SHOWN = 30
"""Causes that a screen has room for; all are in the HTML report."""


class Cause(NamedTuple):
    """A cause with the ids of the failed cases that have it, and of those that have no other."""

    text: str
    cases: tuple[str, ...]
    sole: tuple[str, ...]


def causes(outcomes: Iterable[Outcome]) -> list[Cause]:
    """The causes of all failures, most frequent first."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    sole: Counter[str] = Counter()
    alone: defaultdict[str, list[str]] = defaultdict(list)
    for outcome in outcomes:
        if not outcome.verdict.red:
            continue
        texts = _causes_of(outcome)
        for text in texts:
            found[text][outcome.id] = None
        if len(texts) == 1:
            sole[texts[0]] += 1
            alone[texts[0]].append(outcome.id)
    order = sorted(found, key=lambda text: (-len(found[text]), -sole[text], text))
    return [Cause(text, tuple(found[text]), tuple(alone[text])) for text in order]


def causes_text(outcomes: Sequence[Outcome]) -> list[str]:
    """The causes for a screen: nothing for a single failure, which is shown whole anyway."""
    found = causes(outcomes)
    if sum(outcome.verdict.red for outcome in outcomes) < 2:
        return []
    lines = [f"{len(found)} causes, most frequent first:"]
    for cause in found[:SHOWN]:
        count = len(cause.cases)
        line = f"  {cause.text}: {count} case{'' if count == 1 else 's'}"
        if cause.sole:
            line += f", the only cause of {len(cause.sole)}"
        lines.append(f"{line}, such as {(cause.sole or cause.cases)[0]}")
    if len(found) > SHOWN:
        lines.append(f"  and {len(found) - SHOWN} rarer causes; --report DIR shows them all")
    return lines


def _causes_of(outcome: Outcome) -> list[str]:
    """The causes of one failed case, each once."""
    if outcome.verdict is Verdict.STALE:
        return ["expected to fail, and passes"]
    if outcome.verdict is Verdict.ERROR:
        return [f"not judged: {_first_line(_PROGRAM.sub('', outcome.reason))}"]
    texts = (_cause_of(each, outcome) for each in outcome.differences)
    return list(dict.fromkeys(texts)) or ["failed"]


def _cause_of(difference: Difference, outcome: Outcome) -> str:
    if difference.path == "target":
        return f"the translator failed: {_first_line(str(difference.actual))}"
    text = str(class_of(difference, outcome))
    return f"{text}, because {_first_line(difference.reason)}" if difference.reason else text


def _first_line(text: str) -> str:
    line = (text.splitlines() or [""])[0]
    return line if len(line) <= CHARACTERS else f"{line[:CHARACTERS]}..."
