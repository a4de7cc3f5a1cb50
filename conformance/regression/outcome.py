"""What a comparison came to: what changed, what of it is approved, and the verdict."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from conformance.regression.approvals import Approval, Judgement
from conformance.regression.changes import Kind
from conformance.regression.tally import Group, Key, Tally


class Row(NamedTuple):
    """A group of changes with its share of all messages (0 to 1) and its approval if any."""

    key: Key
    group: Group
    share: float
    approval: Approval | None

    @property
    def red(self) -> bool:
        """Whether somebody has to look: words may change, everything else needs an approval."""
        return self.approval is None and self.key.kind is not Kind.REWORDED


@dataclass(frozen=True)
class Outcome:
    """A comparison of `old` with `new`, both as they were named."""

    old: str
    new: str
    tally: Tally
    judgement: Judgement

    def rows(self) -> Iterator[Row]:
        """The groups by operation and path."""
        for key, group in self.tally.sorted_groups():
            share = group.messages / self.tally.messages
            yield Row(key, group, share, self.judgement.approved.get(key))

    @property
    def red(self) -> bool:
        """Whether a change is not approved or an approval is stale."""
        return bool(self.judgement.stale) or any(row.red for row in self.rows())

    def counts(self) -> str:
        """One line: how many messages, and what became of them."""
        tally = self.tally
        share = percent(tally.changed / tally.messages)
        parts = [f"{plural(tally.messages, 'message')}, {tally.changed:,} changed ({share})"]
        if tally.failing:
            parts.append(f"{tally.failing:,} fail on both sides")
        if tally.bad_lines:
            parts.append(f"{plural(tally.bad_lines, 'bad line')}")
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
        if self.judgement.stale:
            words.append(plural(len(self.judgement.stale), "stale approval"))
        return ", ".join(words)

    def as_json(self) -> dict[str, Any]:
        """Everything, as a JSON object."""
        tally = self.tally
        return {
            "old": self.old,
            "new": self.new,
            "red": self.red,
            "messages": tally.messages,
            "changed": tally.changed,
            "failing_on_both": tally.failing,
            "bad_lines": tally.bad_lines,
            "bad_line_examples": tally.bad_examples,
            "causes": dict(self.tally.causes.most_common()),
            "changes": [_row_json(row) for row in self.rows()],
            "stale_approvals": [str(stale) for stale in self.judgement.stale],
        }


def plural(count: int, thing: str) -> str:
    """So many of a thing."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def percent(share: float) -> str:
    """A share for people: two digits that mean something, and never 0% of what is there."""
    number = 100 * share
    return f"{number:.1f}%" if number >= 0.1 or number == 0 else f"{number:.2g}%"


def _row_json(row: Row) -> dict[str, Any]:
    approval = row.approval
    return {
        "class": row.key.kind.value,
        "operation": row.key.operation,
        "path": row.key.path,
        "causes": list(row.key.causes),
        "messages": row.group.messages,
        "share": row.share,
        "approval": approval
        and {"reason": approval.reason, "expires": approval.expires.isoformat()},
        "examples": [example._asdict() for example in row.group.examples],
    }
