"""The result of a comparison: changes, approvals, what was not compared, and the verdict."""

import datetime
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from conformance.regression.differences.changes import ChangeClass
from conformance.regression.differences.comparison import DiffJob, never_exercised
from conformance.regression.differences.counts import DiffCounts
from conformance.regression.differences.groups import Group, GroupKey
from conformance.regression.redaction import SHORT_CHARACTERS, SecretFilter, secrets_in
from conformance.regression.report.approvals import Approval, ApprovalMatches
from conformance.regression.sides.refs import STAND_IN_SETTINGS
from conformance.spec.scenarios.loading import Json

LOUD_SHARE = 0.03
"""Share of messages that are not compared above which the report warns."""

RARE_SHARE = 0.002
"""Groups of fewer messages are folded, once there are FEW of them."""

FEW = 10

FIRST_APPROVAL_DAYS = 90
"""Validity of an approval that the page proposes."""


class ReportRow(NamedTuple):
    """A group of changes with its share of all messages (0 to 1) and its approval if any."""

    key: GroupKey
    group: Group
    share: float
    approval: Approval | None

    @property
    def red(self) -> bool:
        """Whether it needs an approval: every change except a change of wording."""
        return self.approval is None and self.key.kind is not ChangeClass.REWORDED

    def details(self) -> dict[str, Any]:
        """Share, events, approval and examples, as a JSON object."""
        approval = self.approval
        return {
            "share": self.share,
            "events": dict(self.group.events.most_common()),
            "approval": approval
            and {"reason": approval.reason, "expires": approval.expires.isoformat()},
            "examples": [example.as_json() for example in self.group.examples],
        }


class ComparisonCheck(ABC):
    """Whether a comparison makes `diff` or `migrate` fail."""

    approvals: ApprovalMatches
    date: datetime.date
    max_bad_lines: int

    @abstractmethod
    def rows(self) -> Iterable[ReportRow]:
        """The groups of differences."""

    @abstractmethod
    def bad_lines(self) -> int:
        """The number of lines of the corpus that are not messages."""

    @property
    def red(self) -> bool:
        """Whether a change is not approved, an approval is stale, or lines are bad."""
        return self.changed or self.has_bad_lines

    @property
    def changed(self) -> bool:
        """Whether a change is not approved or an approval is stale."""
        return bool(self.approvals.stale) or any(row.red for row in self.rows())

    @property
    def has_bad_lines(self) -> bool:
        """Whether more lines are bad than allowed."""
        return self.bad_lines() > self.max_bad_lines

    def proposed_expiry(self) -> datetime.date:
        """The day on which an approval ends that the page proposes."""
        return self.date + datetime.timedelta(days=FIRST_APPROVAL_DAYS)

    def failures(self) -> Iterator[str]:
        """The stale approvals and the bad lines in words of a verdict."""
        if self.approvals.stale:
            yield plural(len(self.approvals.stale), "stale approval")
        if self.has_bad_lines:
            yield plural(self.bad_lines(), "bad line")


@dataclass(frozen=True)
class DiffResult(ComparisonCheck):
    """A comparison of the sides of `job` over the files of `corpus` on the day `date`.

    More than `max_bad_lines` lines that are not messages make it fail.
    """

    job: DiffJob
    counts: DiffCounts
    approvals: ApprovalMatches
    corpus: tuple[str, ...] = ()
    date: datetime.date = datetime.date.min
    max_bad_lines: int = 0

    @property
    def old(self) -> str:
        """The REF of the old side."""
        return self.job.old.name

    @property
    def new(self) -> str:
        """The REF of the new side."""
        return self.job.new.name

    def rows(self) -> Iterator[ReportRow]:
        """The groups, those of most messages first."""
        for key, group in self.counts.sorted_groups():
            # The group of all other paths counts a message once for each path.
            share = min(1.0, group.messages / self.counts.messages)
            yield ReportRow(key, group, share, self.approvals.approved.get(key))

    def folded(self) -> tuple[list[ReportRow], list[ReportRow]]:
        """The groups to show in full, and the rare ones to fold."""
        rows = list(self.rows())
        rare = [row for row in rows if row.share < RARE_SHARE]
        return (rows, []) if len(rare) <= FEW else ([row for row in rows if row not in rare], rare)

    def bad_lines(self) -> int:
        """The number of lines of the corpus that are not messages."""
        return self.counts.bad_lines

    @property
    def settings(self) -> Json:
        """The settings for messages without their own, secrets hidden."""
        redact = SecretFilter(secrets_in([self.job.settings], STAND_IN_SETTINGS))
        found: Json = redact(self.job.settings)
        return found

    @property
    def never_exercised(self) -> list[str]:
        """Rules, settings and mapping rows that differ but changed no message."""
        return never_exercised(self.job, self.counts)

    def judged_at(self) -> str:
        """One sentence: the current time for which messages were translated."""
        counts = self.counts
        first, last = counts.earliest, counts.latest
        if self.job.now is not None or first is None or last is None:
            return f"translated as of {iso(self.job.now or self.job.clock)}"
        times = iso(first) if first == last else f"{iso(first)} to {iso(last)}"
        text = (
            f"translated as of the arrival of each message, {times} (--now gives one time for all)"
        )
        if counts.without_time:
            count = plural(counts.without_time, "message")
            text += f"; {count} without a time as of {iso(self.job.clock)}"
        return text

    def warnings(self) -> list[str]:
        """Warnings that a reader must know before trusting the verdict, the most serious first."""
        counts = self.counts
        found = []
        share = counts.not_compared / counts.messages
        if share > LOUD_SHARE:
            found.append(
                f"{percent(share)} of the messages are not compared: they fail or make no "
                "operation on both sides, so no change can show in them"
            )
        if unused := self.never_exercised:
            found.append(
                "changed, but never exercised by this corpus, so their effect is unknown: "
                + ", ".join(unused)
            )
        if any(len(secret) < SHORT_CHARACTERS for secret in self._secrets()):
            found.append(
                f"a token or secret of the settings is shorter than {SHORT_CHARACTERS} characters: "
                "values that are equal to it are shown as ***"
            )
        return found

    def counts_line(self) -> str:
        """One line: how many messages, and what became of them."""
        counts = self.counts
        share = percent(counts.changed / counts.messages)
        parts = [f"{plural(counts.messages, 'message')}, {counts.changed:,} changed ({share})"]
        if counts.failing:
            parts.append(f"{counts.failing.total():,} fail on both sides")
        if counts.silent:
            parts.append(f"{counts.silent.total():,} make no operation on both sides")
        if counts.bad_lines:
            parts.append(f"{plural(counts.bad_lines, 'bad line')}")
        return "; ".join(parts)

    def verdict(self) -> str:
        """One line: what is to be done."""
        rows = list(self.rows())
        red = sum(row.red for row in rows)
        approved = sum(row.approval is not None for row in rows)
        words = [
            f"{plural(red, 'kind')} of change without approval"
            if red
            else "no change without approval"
        ]
        if approved:
            words.append(f"{approved:,} approved")
        words += self.failures()
        unused = len(self.never_exercised)
        if unused:
            words.append(f"{plural(unused, 'changed row')} never exercised")
        return ", ".join(words)

    def as_json(self) -> dict[str, Any]:
        """Everything, as a JSON object."""
        counts = self.counts
        return {
            "old": self.old,
            "new": self.new,
            "date": self.date.isoformat(),
            "corpus": list(self.corpus),
            "settings": self.settings,
            "judged_at": self.judged_at(),
            "red": self.red,
            "verdict": self.verdict(),
            "warnings": self.warnings(),
            "messages": counts.messages,
            "changed": counts.changed,
            "not_compared": counts.not_compared,
            "failing_on_both": counts.failing.total(),
            "failing_on_both_by_code": dict(counts.failing.most_common()),
            "no_operation_on_both_by_code": dict(counts.silent.most_common()),
            "bad_lines": counts.bad_lines,
            "bad_line_examples": counts.bad_examples,
            "causes": dict(counts.causes.most_common()),
            "never_exercised": self.never_exercised,
            "changes": [_row_json(row) for row in self.rows()],
            "stale_approvals": [str(stale) for stale in self.approvals.stale],
        }

    def _secrets(self) -> Iterator[str]:
        sources = (self.job.settings, self.job.old.settings, self.job.new.settings)
        yield from secrets_in(sources, STAND_IN_SETTINGS)


_PLURALS = {"person": "people"}
"""The plurals of nouns that do not end in s."""


def plural(count: int, thing: str) -> str:
    """A count with its noun."""
    return f"{count:,} {thing if count == 1 else _PLURALS.get(thing, f'{thing}s')}"


def percent(share: float) -> str:
    """A share with two significant digits; 0% only for zero."""
    number = 100 * share
    return f"{number:.1f}%" if number >= 0.1 or number == 0 else f"{number:.2g}%"


def iso(moment: datetime.datetime) -> str:
    """A time in UTC to the second."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _row_json(row: ReportRow) -> dict[str, Any]:
    return {
        "class": row.key.kind.value,
        "operation": row.key.operation,
        "path": row.key.path,
        "causes": list(row.key.causes),
        "messages": row.group.messages,
        **row.details(),
    }
