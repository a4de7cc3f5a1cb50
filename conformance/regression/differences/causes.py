"""Which rule, setting or mapping row caused a change.

The way from the old variant to the new one is walked step by step (variants.py); what changes at a
step is caused by that step. Most messages change for known reasons: then only the known steps are
walked. If they do not lead to exactly the new answer, or one of them changes nothing, the whole way
is walked. Once several messages were explained alike, the known steps are taken all at once; they
must still lead to the new answer.
"""

from collections.abc import Callable, Sequence

from conformance.regression.differences.changes import Change, ChangeClass, changes
from conformance.regression.differences.counts import CausedChange
from conformance.regression.json_text import same_text
from conformance.regression.sides.variants import Variant, VariantStep
from conformance.spec.scenarios.loading import Json

Translate = Callable[[Variant], Json]
"""Gives the answer to the message in a variant."""

Signature = frozenset[tuple[ChangeClass, str, str]]
Effects = list[tuple[VariantStep, list[Change]]]

Causation = dict[tuple[ChangeClass, str, str], tuple[str, ...]]
"""Class, operation and path of a change -> the names of its causes."""

MAX_SIGNATURES = 10_000

ALIKE = 3
"""Messages that must be explained alike before the steps between are no longer looked at."""


class _Explained:
    """What was learned of one kind of changes: the steps that cause them, and how often."""

    def __init__(self, steps: tuple[VariantStep, ...], end: Variant, causes: Causation) -> None:
        self.steps = steps
        self.end = end
        self.causes = causes
        self.times = 1


class Causes:
    """Finds causes, and remembers which steps explained what kind of changes."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, Signature], _Explained] = {}
        self._alive: dict[tuple[int, int], tuple[Variant, tuple[VariantStep, ...]]] = {}

    def explain(
        self,
        found: Sequence[Change],
        translate: Translate,
        old: Variant,
        way: tuple[VariantStep, ...],
        answers: tuple[Json, Json],
    ) -> list[CausedChange]:
        """Each change with the names of its causes.

        `found` are the changes between the two `answers`, which are those of the variant `old`
        and of the one at the end of the `way`.
        """
        if len(way) == 1:
            return [CausedChange(change, (way[0].name,)) for change in found]
        signature = frozenset((change.kind, change.operation, change.path) for change in found)
        key = id(old), id(way), signature
        known = self._known.get(key)
        if known and known.times >= ALIKE and _same(translate(known.end), answers[1]):
            return [CausedChange(change, known.causes[_what(change)]) for change in found]
        effects = _short_cut(known, translate, old, answers) if known else None
        if effects is None:
            known = None
            effects, _ = _walk(way, translate, old, answers[0])
        causes = {_what(change): _causes(change, effects) for change in found}
        if known and known.causes == causes:
            known.times += 1
        elif len(self._known) < MAX_SIGNATURES:
            taken = tuple(step for step, _ in effects)
            end = old
            for step in taken:
                end = step.take(end)
            self._known[key] = _Explained(taken, end, causes)
            # The key has ids of these, so they must live.
            self._alive[id(old), id(way)] = old, way
        return [CausedChange(change, causes[_what(change)]) for change in found]


def _what(change: Change) -> tuple[ChangeClass, str, str]:
    return change.kind, change.operation, change.path


def _same(one: Json, two: Json) -> bool:
    return all(same_text(one[part], two[part]) for part in ("operations", "skipped", "error"))


def _short_cut(
    known: _Explained, translate: Translate, old: Variant, answers: tuple[Json, Json]
) -> Effects | None:
    """The effects of the known steps; None if they do not lead to the new answer."""
    effects, end = _walk(known.steps, translate, old, answers[0])
    return effects if len(effects) == len(known.steps) and not changes(end, answers[1]) else None


def _walk(
    way: Sequence[VariantStep], translate: Translate, variant: Variant, answer: Json
) -> tuple[Effects, Json]:
    """The steps that change something, each with its changes, and the answer at the end."""
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
    """The steps that changed this place; if none did, those of its operation, or all."""
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
    # The empty path is a whole operation: changes inside it are changes of their own.
    return inner == outer or (outer != "" and inner.startswith((f"{outer}.", f"{outer}[")))
