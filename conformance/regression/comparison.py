"""One chunk of a corpus: both sides asked, and what is different counted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import orjson

from conformance.corpus.entries import BadLine, Entry, read_entry
from conformance.corpus.reading import Chunk
from conformance.regression.causes import Causes
from conformance.regression.changes import changes
from conformance.regression.refs import STAND_IN_SETTINGS, Ref
from conformance.regression.sides import OurSide, Side, answer
from conformance.regression.tally import Cause, Tally
from conformance.regression.variants import steps
from conformance.spec.loading import Json
from translator import SettingsError
from translator.core.settings import SECRETS

BATCH = 256
"""How many messages are asked at once: enough to pay for a trip to another process."""


@dataclass(frozen=True)
class Job:
    """What to compare. `settings` and `now` are for messages that bring none of their own."""

    old: Ref
    new: Ref
    settings: Json
    now: datetime


class Comparison:
    """Both sides, and what was learned of them; for many chunks, in one process."""

    def __init__(self, job: Job, old: Side, new: Side) -> None:
        self._job = job
        self._old = old
        self._new = new
        self._both_ours = isinstance(old, OurSide) and isinstance(new, OurSide)
        self._causes = Causes()

    def tally(self, chunk: Chunk) -> Tally:
        """What became of the messages of a chunk."""
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
        for batch in _batches(entries):
            self._compare(batch, tally)
        return tally

    def _compare(self, batch: Sequence[Entry], tally: Tally) -> None:
        settings = batch[0].settings or self._job.settings
        now = batch[0].now or self._job.now
        old = self._old.answers(batch, settings, now)
        new = self._new.answers(batch, settings, now)
        secrets = tuple(self._secrets(settings))
        told = self._old.tells & self._new.tells
        for entry, one, two in zip(batch, old, new, strict=True):
            before, after = _told(one, told), _told(two, told)
            tally.failing += bool(before.get("error") and after.get("error"))
            # Most answers are the same to the byte, and that is the quickest way to see it.
            if orjson.dumps(before) == orjson.dumps(after):
                continue
            found = changes(before, after)
            if found:
                caused = self._caused(entry, found, (before, after), settings, now)
                tally.count_changes(entry, caused, secrets)

    def _caused(
        self,
        entry: Entry,
        found: list[Any],
        answers: tuple[Json, Json],
        settings: Json,
        now: datetime,
    ) -> list[Cause]:
        if isinstance(self._old, OurSide) and isinstance(self._new, OurSide):
            try:
                old, new = self._old.variant(settings), self._new.variant(settings)
            except SettingsError:
                return [Cause(change) for change in found]
            return self._causes.explain(
                found,
                lambda variant: answer(entry, variant, now),
                old,
                steps(old, new),
                answers,
            )
        return [Cause(change) for change in found]

    def _secrets(self, settings: Json) -> Iterator[str]:
        for source in (settings, self._job.old.settings, self._job.new.settings):
            for key in SECRETS:
                value = (source or {}).get(key)
                if isinstance(value, str) and value and value != STAND_IN_SETTINGS.get(key):
                    yield value


def _told(answer: Json, told: frozenset[str]) -> Json:
    """What of an answer can be compared: what both sides tell."""
    return {
        "operations": answer.get("operations") or [],
        "skipped": (answer.get("skipped") or []) if "skipped" in told else [],
        "error": answer.get("error") if "errors" in told else None,
    }


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The entries, in order, cut where settings or time change and where there are enough."""
    for _, group in groupby(entries, key=lambda entry: (entry.settings, entry.now)):
        found = list(group)
        for start in range(0, len(found), BATCH):
            yield found[start : start + BATCH]
