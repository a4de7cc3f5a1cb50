"""Compare one chunk of a corpus: ask both sides, and count the differences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from conformance.corpus.entries import BadLine, Entry, read_entry
from conformance.corpus.reading import Chunk
from conformance.regression.arrival import arrival
from conformance.regression.causes import Causes
from conformance.regression.changes import Change, changes
from conformance.regression.json_text import compact, is_too_deep, same_text
from conformance.regression.redaction import Redactor, secrets_in
from conformance.regression.refs import STAND_IN_SETTINGS, Ref
from conformance.regression.sides import OurSide, Side, answer, failure
from conformance.regression.tally import Cause, Tally
from conformance.regression.variants import steps
from conformance.spec.loading import Json
from translator import SettingsError
from translator.core.device_rules import DEVICE_RULES

BATCH = 256
"""Messages per question: enough to make up for a round trip to another process."""

_NESTING = "the answer is nested too deeply to be compared"


@dataclass(frozen=True)
class Job:
    """What to compare. `settings` are for messages that bring none of their own.

    `now` is the time as at which messages are judged that bring none. If it is None, each is judged
    as at its own arrival, and as at `clock` if it has no time.
    """

    old: Ref
    new: Ref
    settings: Json
    now: datetime | None
    clock: datetime


class Comparison:
    """Both sides, and what was learned of them; for many chunks, in one process."""

    def __init__(self, job: Job, old: Side, new: Side) -> None:
        self._job = job
        self._old = old
        self._new = new
        self._both_ours = isinstance(old, OurSide) and isinstance(new, OurSide)
        self._causes = Causes()

    def tally(self, chunk: Chunk) -> Tally:
        """The counts of the messages of a chunk."""
        tally = Tally()
        entries = []
        for number, line in chunk.lines():
            where = f"{chunk.name}:{number}"
            try:
                entry = read_entry(line, where)
            except BadLine as bad:
                tally.count_bad_line(where, str(bad))
            else:
                if entry.session and not self._both_ours:
                    tally.count_bad_line(where, "a session needs two variants of this translator")
                else:
                    entries.append(entry)
        tally.messages = len(entries)
        tally.sessions = sum(entry.session for entry in entries)
        answered: list[tuple[int, _Answered]] = []
        for settings, now, indexes in self._batches(entries, tally):
            batch = [entries[index] for index in indexes]
            answered += zip(indexes, self._ask(batch, settings, now), strict=True)
        # In the order of the corpus, whatever the order of the batches.
        for _, each in sorted(answered, key=itemgetter(0)):
            self._count(each, tally)
        return tally

    def _batches(
        self, entries: Sequence[Entry], tally: Tally
    ) -> list[tuple[Json, datetime, list[int]]]:
        """The indexes of entries of the same settings and time, at most BATCH together."""
        batches: list[tuple[Json, datetime, list[int]]] = []
        unfilled: dict[tuple[str, datetime], list[int]] = {}
        for index, entry in enumerate(entries):
            now = entry.now or self._job.now or arrival(entry.message)
            if now is None:
                now = self._job.clock
                tally.without_time += 1
            tally.count_moment(now)
            key = compact(entry.settings) if entry.settings else "", now
            batch = unfilled.get(key)
            if batch is None or len(batch) == BATCH:
                batch = unfilled[key] = []
                batches.append((entry.settings or self._job.settings, now, batch))
            batch.append(index)
        return batches

    def _ask(self, batch: Sequence[Entry], settings: Json, now: datetime) -> Iterator["_Answered"]:
        old = self._old.answers(batch, settings, now)
        new = self._new.answers(batch, settings, now)
        told = self._old.tells & self._new.tells
        for entry, one, two in zip(batch, old, new, strict=True):
            yield _Answered(entry, settings, now, _told(one, told), _told(two, told))

    def _count(self, asked: "_Answered", tally: Tally) -> None:
        before, after = asked.old, asked.new
        if before["error"] and after["error"]:
            text = str(after["error"].get("message") or "")
            code = str(before["error"]["code"]), str(after["error"]["code"])
            tally.count_failing(*code, self._redactor(asked.settings)(text))
        elif not (before["error"] or after["error"] or before["operations"] or after["operations"]):
            tally.count_silent(str(skip["code"]) for skip in after["skipped"])
        # Most answers are the same text, and that is the quickest test.
        if same_text(before, after):
            return
        found = changes(before, after)
        if found:
            caused = self._caused(asked, found)
            tally.count_changes(asked.entry, caused, self._redactor(asked.settings))

    def _redactor(self, settings: Json) -> Redactor:
        sources = (settings, self._job.old.settings, self._job.new.settings)
        return Redactor(secrets_in(sources, STAND_IN_SETTINGS))

    def _caused(self, asked: "_Answered", found: list[Change]) -> list[Cause]:
        if isinstance(self._old, OurSide) and isinstance(self._new, OurSide):
            try:
                old = self._old.variant(asked.settings)
                new = self._new.variant(asked.settings)
            except SettingsError:
                return [Cause(change) for change in found]
            return self._causes.explain(
                found,
                lambda variant: answer(asked.entry, variant, asked.now),
                old,
                steps(old, new),
                (asked.old, asked.new),
            )
        return [Cause(change) for change in found]


def never_exercised(job: Job, tally: Tally) -> list[str]:
    """Rules, settings and mapping rows that differ between two variants but changed no message.

    The corpus cannot show what they do. Rules of device modes count only if it has sessions. Empty
    if a side is another translator, where the differences are not known.
    """
    sides = [OurSide(ref) for ref in (job.old, job.new) if ref.command is None and ref.git is None]
    if len(sides) < 2:
        return []
    old, new = (side.variant(job.settings) for side in sides)
    device = set() if tally.sessions else {f"rule {rule.name}" for rule in DEVICE_RULES}
    names = [step.name for step in steps(old, new)]
    return [name for name in names if name not in tally.causes and name not in device]


class _Answered(NamedTuple):
    """A message with the answers of both sides, and what they were asked under."""

    entry: Entry
    settings: Json
    now: datetime
    old: Json
    new: Json


def _told(answer: Json, told: frozenset[str]) -> Json:
    """The part of an answer that both sides tell."""
    operations = answer.get("operations") or []
    error = answer.get("error") if "errors" in told else None
    if is_too_deep(operations):
        operations, error = [], failure("nesting_too_deep", _NESTING)["error"]
    return {
        "operations": operations,
        "skipped": (answer.get("skipped") or []) if "skipped" in told else [],
        "error": error,
    }
