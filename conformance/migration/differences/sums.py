"""Differences of charges and counters, each summed over all people."""

from typing import Any

from conformance.migration.delivery import ProjectContents
from conformance.migration.differences.counting import (
    CHARGES,
    COUNTERS,
    DifferenceCounter,
    ProjectDifferences,
    Total,
)
from conformance.regression.differences.changes import ChangeClass

TRANSACTIONS = "$transactions"


def compare_sums(
    found: ProjectDifferences, old: ProjectContents, new: ProjectContents, count: DifferenceCounter
) -> None:
    """Count charges and counters, each summed over all people."""
    for name in sorted(old.counters | new.counters):
        total = Total()
        for contents, is_old in ((old, True), (new, False)):
            numbers = [
                value
                for profile in contents.profiles.values()
                if _is_number(value := profile.get(name))
            ]
            _add(total, numbers, is_old)
        found.counters[name] = total
        if total.differs:
            _count_total(COUNTERS, name, total, count)
    for contents, is_old in ((old, True), (new, False)):
        amounts = [
            amount
            for profile in contents.profiles.values()
            for each in _list(profile.get(TRANSACTIONS))
            if type(each) is dict and _is_number(amount := each.get("$amount"))
        ]
        _add(found.charges, amounts, is_old)
    if found.charges.differs:
        _count_total(CHARGES, "", found.charges, count)


def _add(total: Total, numbers: list[Any], is_old: bool) -> None:
    if is_old:
        total.old_count, total.old_sum = len(numbers), sum(numbers)
    else:
        total.new_count, total.new_sum = len(numbers), sum(numbers)


def _count_total(section: str, path: str, total: Total, count: DifferenceCounter) -> None:
    things = max(total.old_count, total.new_count)
    old = f"{total.old_count:,} with a sum of {total.old_sum:,.10g}"
    new = f"{total.new_count:,} with a sum of {total.new_sum:,.10g}"
    count(ChangeClass.VALUE, section, path, old=old, new=new, who="over all people", count=things)


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
