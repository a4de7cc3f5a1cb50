"""The level of a failure: `must` only if the documentation states something that differs."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from conformance.runner.compare import Difference, json_step
from conformance.runner.outcomes import Outcome, Verdict
from conformance.runner.tolerances import class_of
from conformance.spec.scenarios.loading import Json
from conformance.spec.unstated import Unstated, unstated

_PROFILE = re.compile(r"profiles(\.[^.\[]+|\[\"(?:[^\"\\]|\\.)*\"\])")
_IDS = ("userId", "anonymousId")


def as_documented(outcome: Outcome) -> Outcome:
    """The outcome, as `should` if the documentation states nothing of what differs.

    A note gives the reasons, and each difference says whether it is stated. The list is
    `conformance/spec/unstated.yaml`.
    """
    if outcome.verdict is not Verdict.FAIL or outcome.level != "must":
        return outcome
    rows = [_row(each, outcome) for each in outcome.differences]
    differences = tuple(
        replace(each, stated=row is None)
        for each, row in zip(outcome.differences, rows, strict=True)
    )
    outcome = replace(outcome, differences=differences)
    if not rows or None in rows:
        return outcome
    reasons = dict.fromkeys(row.why for row in rows if row)
    return replace(
        outcome,
        level="should",
        tags=tuple(sorted({*outcome.tags} - {"must"} | {"should"})),
        notes=(*outcome.notes, *(f"should, not must: {reason}" for reason in reasons)),
    )


def _row(difference: Difference, outcome: Outcome) -> Unstated | None:
    found = class_of(difference, outcome)
    messages = _causing(difference, outcome.given)
    for row in unstated():
        if row.covers(outcome.id, found.kind, found.operation, found.path, messages):
            return row
    return None


def _causing(difference: Difference, given: Json) -> Sequence[Any]:
    """The messages that can have caused a difference: those of the person of a profile, or all."""
    messages = [message for step in given.get("steps", ()) for message in step.get("messages", ())]
    found = _PROFILE.match(difference.path)
    if found is None:
        return messages
    return [
        each
        for each in messages
        if isinstance(each, dict) and any(json_step(str(each.get(key))) == found[1] for key in _IDS)
    ]
