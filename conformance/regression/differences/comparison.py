"""Compare one chunk of a corpus: ask both sides, and count the differences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from conformance.corpus.entries import BadLine, CorpusEntry, read_entry
from conformance.corpus.reading import Chunk
from conformance.regression.differences.arrival import arrival
from conformance.regression.differences.causes import Causes
from conformance.regression.differences.changes import Change, changes, code_of
from conformance.regression.differences.counts import CausedChange, DiffCounts
from conformance.regression.differences.groups import Position
from conformance.regression.json_text import compact, same_text
from conformance.regression.redaction import SecretFilter, secrets_in
from conformance.regression.sides.refs import STAND_IN_SETTINGS, Ref
from conformance.regression.sides.side import OurSide, Side, answer
from conformance.regression.sides.variants import Variant, VariantStep, steps
from conformance.spec.scenarios.loading import Json
from translator import SettingsError
from translator.core.device_rules import DEVICE_RULES
from translator.core.values.timestamps import to_ms

BATCH = 256
"""Messages per question: enough to make up for a round trip to another process."""


@dataclass(frozen=True)
class DiffJob:
    """The input of a comparison. `settings` are for messages without their own.

    `now` is the current time for messages without a time of arrival. If it is None, each is judged
    as of its own arrival, and as of `clock` if it has no time.
    """

    old: Ref
    new: Ref
    settings: Json
    now: datetime | None
    clock: datetime


class ChunkComparer:
    """Both sides with cached results, for many chunks in one process."""

    def __init__(self, job: DiffJob, old: Side, new: Side) -> None:
        self._job = job
        self._old = old
        self._new = new
        self._both_ours = isinstance(old, OurSide) and isinstance(new, OurSide)
        self._causes = Causes()
        self._contexts: dict[str, _Context] = {}

    def compare(self, chunk: Chunk) -> DiffCounts:
        """The counts of the messages of a chunk."""
        counts = DiffCounts()
        entries, positions = self._read(chunk, counts)
        told: list[tuple[int, _Answered]] = []
        for settings, now, indexes in self._batches(entries, counts):
            told += self._ask(entries, indexes, settings, now)
        # In the order of the corpus, whatever the order of the batches.
        for index, each in sorted(told, key=itemgetter(0)):
            self._count(positions[index], each, counts)
        return counts

    def _read(self, chunk: Chunk, counts: DiffCounts) -> tuple[list[CorpusEntry], list[Position]]:
        """The entries of a chunk and their places; bad lines are counted."""
        entries, positions = [], []
        for number, line in chunk.lines():
            where, position = f"{chunk.name}:{number}", (chunk.file, number)
            try:
                entry = read_entry(line, where)
            except BadLine as bad:
                counts.count_bad_line(position, where, str(bad))
                continue
            if entry.session:
                if not self._both_ours:
                    problem = "a session needs two variants of this translator"
                    counts.count_bad_line(position, where, problem)
                    continue
                counts.sessions += 1
            entries.append(entry)
            positions.append(position)
        counts.messages = len(entries)
        return entries, positions

    def _batches(
        self, entries: Sequence[CorpusEntry], counts: DiffCounts
    ) -> list[tuple[Json, datetime, list[int]]]:
        """The indexes of entries of the same settings and time, at most BATCH together."""
        batches: list[tuple[Json, datetime, list[int]]] = []
        unfilled: dict[tuple[str, datetime], list[int]] = {}
        for index, entry in enumerate(entries):
            now = entry.now or self._job.now or arrival(entry.message)
            if now is None:
                now = self._job.clock
                counts.without_time += 1
            key = compact(entry.settings) if entry.settings else "", now
            batch = unfilled.get(key)
            if batch is None or len(batch) == BATCH:
                batch = unfilled[key] = []
                counts.count_moment(now)
                batches.append((entry.settings or self._job.settings, now, batch))
            batch.append(index)
        return batches

    def _ask(
        self, entries: Sequence[CorpusEntry], indexes: Sequence[int], settings: Json, now: datetime
    ) -> Iterator[tuple[int, "_Answered"]]:
        """The messages that count, with their indexes: those that changed or make no operation."""
        context = self._context(settings)
        batch = [entries[index] for index in indexes]
        old = self._old.answers(batch, settings, now)
        # A translator gives equal variants of itself equal answers.
        new = old if context.same else self._new.answers(batch, settings, now)
        if not self._both_ours:
            # Our translators report all sections.
            told = self._old.tells & self._new.tells
            old, new = ([_told(each, told) for each in side] for side in (old, new))
        for index, before, after in zip(indexes, old, new, strict=True):
            # Equal values can be unequal JSON, as 1 and true; then the texts differ.
            changed = before is not after and (before != after or not same_text(before, after))
            if changed or not (before["operations"] or after["operations"]):
                yield index, _Answered(entries[index], context, now, before, after, changed)

    def _count(self, position: Position, asked: "_Answered", counts: DiffCounts) -> None:
        before, after = asked.old, asked.new
        if not before["operations"] and not after["operations"]:
            self._count_silent(position, asked, counts)
        if asked.changed and (found := changes(before, after)):
            caused = self._caused(asked, found)
            counts.count_changes(position, asked.entry, caused, asked.context.redact)

    def _count_silent(self, position: Position, asked: "_Answered", counts: DiffCounts) -> None:
        before, after = asked.old, asked.new
        if before["error"] and after["error"]:
            text = str(after["error"].get("message") or "")
            codes = code_of(before["error"]), code_of(after["error"])
            counts.count_failing(position, *codes, asked.context.redact(text))
        elif not before["error"] and not after["error"]:
            counts.count_silent(map(code_of, after["skipped"]))

    def _caused(self, asked: "_Answered", found: list[Change]) -> list[CausedChange]:
        context, now_ms = asked.context, to_ms(asked.now)
        if context.old is None:
            return [CausedChange(change) for change in found]
        return self._causes.explain(
            found,
            lambda variant: answer(asked.entry, variant, now_ms),
            context.old,
            context.way,
            (asked.old, asked.new),
        )

    def _context(self, settings: Json) -> "_Context":
        """The common values of messages under the same settings; the most recent ones are
        cached."""
        key = compact(settings)
        found = self._contexts.get(key)
        if found is None:
            if len(self._contexts) >= MOST_CONTEXTS:
                self._contexts.clear()
            found = self._contexts[key] = self._new_context(settings)
        return found

    def _new_context(self, settings: Json) -> "_Context":
        sources = (settings, self._job.old.settings, self._job.new.settings)
        redact = SecretFilter(secrets_in(sources, STAND_IN_SETTINGS))
        if isinstance(self._old, OurSide) and isinstance(self._new, OurSide):
            try:
                old, new = self._old.variant(settings), self._new.variant(settings)
            except SettingsError:
                return _Context(redact)
            return _Context(redact, old, steps(old, new), old == new)
        return _Context(redact)


MOST_CONTEXTS = 256


class _Context(NamedTuple):
    """The common values of messages under the same settings.

    `old` and `way` are set between two variants of our own translator; `same` is true if both sides
    are the same variant.
    """

    redact: SecretFilter
    old: Variant | None = None
    way: tuple[VariantStep, ...] = ()
    same: bool = False


class _Answered(NamedTuple):
    """A message with the answers of both sides, and what they were asked under.

    `changed` is false if the answers are the same JSON text.
    """

    entry: CorpusEntry
    context: _Context
    now: datetime
    old: Json
    new: Json
    changed: bool


def never_exercised(job: DiffJob, counts: DiffCounts) -> list[str]:
    """Rules, settings and mapping rows that differ between two variants but changed no message.

    The corpus cannot show what they do. Rules of device modes count only if it has sessions. Empty
    if a side is another translator, where the differences are not known.
    """
    sides = [OurSide(ref) for ref in (job.old, job.new) if ref.command is None and ref.git is None]
    if len(sides) < 2:
        return []
    old, new = (side.variant(job.settings) for side in sides)
    device = set() if counts.sessions else {f"rule {rule.name}" for rule in DEVICE_RULES}
    names = [step.name for step in steps(old, new)]
    return [name for name in names if name not in counts.causes and name not in device]


def _told(answer: Json, told: frozenset[str]) -> Json:
    """The part of an answer that both sides report."""
    return {
        "operations": answer.get("operations") or [],
        "skipped": (answer.get("skipped") or []) if "skipped" in told else [],
        "error": answer.get("error") if "errors" in told else None,
    }
