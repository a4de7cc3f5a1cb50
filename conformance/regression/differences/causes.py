"""Finds the rule, setting or mapping row that caused a change.

The way from the old variant to the new one has steps (variants.py). A step that changes the answer
causes what it changes. Steps that together change nothing are left out: one may switch on what
another switches off.

The causes of a message do not depend on other messages, so a corpus can be compared in parts.
Earlier messages only save work: the steps that explained one of them are tried first. They are
taken if nothing changes between them, each of them changes something, and the last leads to the new
answer. Otherwise the steps are searched for by halving the way.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence

from conformance.regression.differences.changes import Change, ChangeClass, ChangeKey, changes
from conformance.regression.differences.counts import CausedChange
from conformance.regression.json_text import sort_key
from conformance.regression.sides.variants import Variant, VariantStep
from conformance.spec.scenarios.loading import Json
from translator.core.bounded_cache import BoundedCache

Translate = Callable[[Variant], Json]
"""Gives the answer to the message in a variant."""

Effect = tuple[str, tuple[ChangeKey, ...]]
"""The name of a step, and what it changes."""

Signature = frozenset[ChangeKey]
Steps = tuple[int, ...]
"""Indexes of steps of a way, in order."""

MAX_SIGNATURES = 10_000

MAX_CACHED_CHANGES = 100
"""Changes of one message whose causes are cached."""

MAX_EXPLANATIONS = 4
"""Explanations of one signature that are tried before the way is searched."""


class Causes:
    """Finds causes, and remembers which steps explained what kind of changes."""

    def __init__(self) -> None:
        self._ways: dict[tuple[int, int], _Way] = {}

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
        known = self._ways.get((id(old), id(way)))
        if known is None:
            known = self._ways[id(old), id(way)] = _Way(old, way)
        walk = _Walk(known, translate, answers)
        taken = known.explanation(found, walk)
        if len(taken) == 1:
            return [CausedChange(change, (way[taken[0]].name,)) for change in found]
        effects = tuple(
            (way[index].name, tuple([change.key for change in walk.changes(index, index + 1)]))
            for index in taken
        )
        causes = _CAUSES[tuple([change.key for change in found]), effects]
        return list(map(CausedChange, found, causes))


class _Way:
    """The variants along a way, and the explanations that were found on it."""

    def __init__(self, old: Variant, way: tuple[VariantStep, ...]) -> None:
        # They are known by their identity, so they must live as long as this.
        self._old, self._way = old, way
        self._variants = [old]
        self._known: dict[Signature, list[Steps]] = {}

    def __len__(self) -> int:
        return len(self._way)

    def variant(self, index: int) -> Variant:
        """The variant after the first `index` steps."""
        for step in self._way[len(self._variants) - 1 : index]:
            self._variants.append(step.take(self._variants[-1]))
        return self._variants[index]

    def explanation(self, found: Sequence[Change], walk: "_Walk") -> Steps:
        """The steps that change the answer of a walk, on which there are the changes `found`."""
        signature = frozenset([change.key for change in found])
        known = self._known.get(signature, [])
        for steps in known:
            if walk.is_explained_by(steps):
                return steps
        steps = walk.search()
        if len(self._known) < MAX_SIGNATURES and len(known) < MAX_EXPLANATIONS:
            self._known.setdefault(signature, known).append(steps)
        return steps


_PARTS = ("operations", "skipped", "error")
"""The parts of an answer that are compared."""


class _Walk:
    """The answers to one message along a way, translated when they are needed."""

    def __init__(self, way: _Way, translate: Translate, answers: tuple[Json, Json]) -> None:
        self._way = way
        self._translate = translate
        self._answers = {0: answers[0], len(way): answers[1]}
        self._texts: dict[int, Hashable] = {}

    def is_explained_by(self, steps: Steps) -> bool:
        """Whether each of the steps changes the answer, and nothing changes between them."""
        end = 0
        for index in steps:
            if not self._same(end, index):
                return False
            end = index + 1
        return self._same(end, len(self._way)) and not any(
            self._same(index, index + 1) for index in steps
        )

    def search(self) -> Steps:
        """The steps that change the answer, without those that lead back to an earlier answer."""
        steps: list[int] = []
        for index in self._changing(0, len(self._way)):
            passed = [0, *(step + 1 for step in steps)]
            back = next((n for n, each in enumerate(passed) if self._same(each, index + 1)), None)
            if back is None:
                steps.append(index)
            else:
                del steps[back:]
        return tuple(steps)

    def changes(self, start: int, end: int) -> list[Change]:
        """The changes between the answers after two numbers of steps."""
        return changes(self._answer(start), self._answer(end))

    def _changing(self, start: int, end: int) -> Iterator[int]:
        """The steps from `start` to before `end` that change the answer, found by halving."""
        if self._same(start, end):
            return
        if end - start == 1:
            yield start
            return
        middle = (start + end) // 2
        yield from self._changing(start, middle)
        yield from self._changing(middle, end)

    def _same(self, one: int, two: int) -> bool:
        """Whether two answers are the same JSON, whatever the order of keys in objects."""
        if one == two:
            return True
        before, after = self._answer(one), self._answer(two)
        if any(before.get(part) != after.get(part) for part in _PARTS):
            return False
        # Equal values can be unequal JSON, as 1 and true; then the texts differ.
        return self._text(one) == self._text(two)

    def _answer(self, index: int) -> Json:
        answer = self._answers.get(index)
        if answer is None:
            answer = self._answers[index] = self._translate(self._way.variant(index))
        return answer

    def _text(self, index: int) -> Hashable:
        """The same for equal answers, whatever the order of keys in objects."""
        text = self._texts.get(index)
        if text is None:
            answer = self._answer(index)
            text = self._texts[index] = sort_key([answer.get(part) for part in _PARTS])
        return text


def _causes(found: tuple[tuple[ChangeKey, ...], tuple[Effect, ...]]) -> tuple[tuple[str, ...], ...]:
    """The causes of each of some changes, by the effects of the steps between the answers."""
    changed, effects = found
    return tuple(_causes_of(each, effects) for each in changed)


_CAUSES: BoundedCache[
    tuple[tuple[ChangeKey, ...], tuple[Effect, ...]], tuple[tuple[str, ...], ...]
] = BoundedCache(_causes, keeps=lambda found, _: len(found[0]) <= MAX_CACHED_CHANGES)
"""The same changes by the same effects come again and again in a corpus."""


def _causes_of(change: ChangeKey, effects: tuple[Effect, ...]) -> tuple[str, ...]:
    """The steps that changed this place; if none did, those of its operation, or all."""
    _, operation, _ = change
    nearer: tuple[Callable[[ChangeKey], bool], ...] = (
        lambda effect: _touches(effect, change),
        lambda effect: effect[1] == operation,
        lambda effect: True,
    )
    for near in nearer:
        touching = tuple(step for step, found in effects if any(map(near, found)))
        if touching:
            return touching
    return ()


def _touches(effect: ChangeKey, change: ChangeKey) -> bool:
    return effect[1] == change[1] and any(
        _within(one, two) or _within(two, one) for one in _places(effect) for two in _places(change)
    )


def _places(change: ChangeKey) -> tuple[str, ...]:
    """The paths that a change concerns."""
    kind, _, path = change
    return tuple(path.split(" -> ")) if kind is ChangeClass.RENAMED else (path,)


def _within(inner: str, outer: str) -> bool:
    # The empty path is a whole operation: changes inside it are changes of their own.
    return inner == outer or (outer != "" and inner.startswith((f"{outer}.", f"{outer}[")))
