"""Approvals: changes that are wanted, each with a reason and an expiry date.

    [[approval]]
    class = "added"
    operation = "event"
    path = "payload.properties.$insert_id"
    reason = "events are deduplicated from now on"
    expires = 2026-12-31

`operation`, `path` and the optional `cause` may hold `*` and `?`. An approval that has expired, or
that matches no change, is stale and makes the check fail.
"""

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from conformance.regression.differences.changes import ChangeClass
from conformance.regression.differences.counts import DiffCounts
from conformance.regression.differences.groups import GroupKey
from conformance.spec.approval_rows import read_approval_rows
from conformance.spec.globs import compiled as compiled_glob
from conformance.spec.toml_text import toml_text as toml_text

_FORMER_LABELS = {
    "/track event": "event",
    "/import event": "event",
    "/track $create_alias": "event $create_alias",
}
"""Labels of operations in files that were written when /track and /import were two kinds."""


@dataclass(frozen=True)
class Approval:
    """One approval; `number` is its position in the file, from 1."""

    number: int
    kind: ChangeClass
    operation: str
    path: str
    cause: str
    reason: str
    expires: datetime.date

    def covers(self, key: GroupKey) -> bool:
        """Whether it matches this group of changes."""
        return (
            key.kind is self.kind
            and bool(self._operation.fullmatch(key.operation))
            and bool(self._path.fullmatch(key.path))
            and bool(self._cause.fullmatch(", ".join(key.causes)))
        )

    @cached_property
    def _operation(self) -> re.Pattern[str]:
        return compiled_glob(_FORMER_LABELS.get(self.operation, self.operation))

    @cached_property
    def _path(self) -> re.Pattern[str]:
        return compiled_glob(self.path)

    @cached_property
    def _cause(self) -> re.Pattern[str]:
        return compiled_glob(self.cause)


@dataclass(frozen=True)
class Stale:
    """An approval to remove or renew, and why."""

    approval: Approval
    why: str

    def __str__(self) -> str:
        one = self.approval
        what = f"{one.kind}, {one.operation}, {one.path or 'whole'}"
        return f"approval {one.number} ({what}): {self.why}"


@dataclass(frozen=True)
class ApprovalMatches:
    """The approval of each approved group, and the stale approvals."""

    approved: dict[GroupKey, Approval]
    stale: tuple[Stale, ...]


def match_approvals(
    counts: DiffCounts, approvals: Iterable[Approval], today: datetime.date
) -> ApprovalMatches:
    """Match approvals with changes. An expired approval approves nothing."""
    approved: dict[GroupKey, Approval] = {}
    stale = []
    for approval in approvals:
        if approval.expires < today:
            stale.append(Stale(approval, f"it expired on {approval.expires}"))
            continue
        covered = [key for key in counts.groups if approval.covers(key)]
        if not covered:
            stale.append(Stale(approval, "it matches no change; remove it"))
        for key in covered:
            approved.setdefault(key, approval)
    return ApprovalMatches(approved, tuple(stale))


def read_approvals(path: Path) -> list[Approval]:
    """The approvals in a TOML file. Raises DataError naming the approval and the field."""
    classes = [kind.value for kind in ChangeClass]
    return [
        Approval(
            number,
            ChangeClass(row["class"]),
            row["operation"],
            row["path"],
            row.get("cause", "*"),
            row["reason"],
            row["expires"],
        )
        for number, row in enumerate(read_approval_rows(path, "approval", classes, ("cause",)), 1)
    ]
