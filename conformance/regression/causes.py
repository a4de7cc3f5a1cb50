"""Which rule, setting or mapping row brought a change about.

The way from the old variant to the new one is walked step by step (variants.py); what changes at a
step is that step's doing. Most messages change for reasons met before: then only those steps are
walked, and if they do not lead to exactly the new answer, or one of them changes nothing, the whole
way is.
"""

from collections.abc import Callable, Sequence

from conformance.regression.changes import Change, Kind, changes
from conformance.regression.tally import Cause
from conformance.regression.variants import Step, Variant
from conformance.spec.loading import Json

Translate = Callable[[Variant], Json]
"""The answer to the message at hand in a variant."""

Signature = frozenset[tuple[Kind, str, str]]
Effects = list[tuple[Step, list[Change]]]

MAX_SIGNATURES = 10_000


class Causes:
    """Finds causes, and remembers which steps explained what kind of changes."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[str, ...], Signature], tuple[Step, ...]] = {}

    def explain(
        self,
        found: Sequence[Change],
        translate: Translate,
        old: Variant,
        way: Sequence[Step],
        answers: tuple[Json, Json],
    ) -> list[Cause]:
        """Each change with the names of its causes.

        `found` are the changes between the two `answers`, which are those of the variant `old`
        and of the one at the end of the `way`.
        """
        if len(way) == 1:
            return [Cause(change, (way[0].name,)) for change in found]
        signature = frozenset((change.kind, change.operation, change.path) for change in found)
        memory = tuple(step.name for step in way), signature
        effects = self._short_cut(memory, translate, old, answers)
        if effects is None:
            effects, _ = _walk(way, translate, old, answers[0])
            if len(self._known) < MAX_SIGNATURES:
                self._known[memory] = tuple(step for step, _ in effects)
        return [Cause(change, _causes(change, effects)) for change in found]

    def _short_cut(
        self,
        memory: tuple[tuple[str, ...], Signature],
        translate: Translate,
        old: Variant,
        answers: tuple[Json, Json],
    ) -> Effects | None:
        known = self._known.get(memory)
        if known is None:
            return None
        effects, end = _walk(known, translate, old, answers[0])
        return effects if len(effects) == len(known) and not changes(end, answers[1]) else None


def _walk(
    way: Sequence[Step], translate: Translate, variant: Variant, answer: Json
) -> tuple[Effects, Json]:
    """The steps that change something, each with what it changes, and the answer at the end."""
    effects = []
    for step in way:
        variant = step.take(variant)
        following = translate(variant)
        found = changes(answer, following)
        if found:
            effects.append((step, found))
        answer = following
    return effects, answer


def _causes(change: Change, effects: Effects) -> tuple[str, ...]:
    """The steps that touched what changed; if none did, those of its operation, or all."""
    nearer: tuple[Callable[[Change], bool], ...] = (
        lambda effect: _touches(effect, change),
        lambda effect: effect.operation == change.operation,
        lambda effect: True,
    )
    for near in nearer:
        touching = tuple(step.name for step, found in effects if any(map(near, found)))
        if touching:
            return touching
    return ()


def _touches(effect: Change, change: Change) -> bool:
    return effect.operation == change.operation and any(
        _within(one, two) or _within(two, one) for one in effect.places() for two in change.places()
    )


def _within(inner: str, outer: str) -> bool:
    # A whole operation, whose path is empty, is one thing and what is in it another.
    return inner == outer or (outer != "" and inner.startswith((f"{outer}.", f"{outer}[")))
