"""Differences of charges and counters, each summed over all people."""

from typing import Any, TypeGuard

from conformance.migration.contents import ProjectContents
from conformance.migration.differences.counting import (
    CHARGES,
    COUNTERS,
    DifferenceCounter,
    OddAmounts,
    ProjectDifferences,
    Total,
)
from conformance.regression.differences.changes import ChangeClass
from conformance.regression.json_text import compact

TRANSACTIONS = "$transactions"


def add_sums(
    found: ProjectDifferences, old: ProjectContents, new: ProjectContents, counters: set[str]
) -> None:
    """Add the charges and counters of all people of two projects."""
    for contents, is_old in ((old, True), (new, False)):
        for profile in contents.profiles.values():
            for name, value in profile.items():
                if name in counters and _is_number(value):
                    total = found.counters.setdefault(name, Total())
                    (total.old if is_old else total.new).add([value])
            charges = [
                each.get("$amount")
                for each in _list(profile.get(TRANSACTIONS))
                if type(each) is dict
            ]
            (found.charges.old if is_old else found.charges.new).add(filter(_is_number, charges))
            odd = found.odd_amounts[0 if is_old else 1]
            for amount in charges:
                if not _is_number(amount):
                    odd.add(OddAmounts(1, compact(amount)))


def compare_sums(found: ProjectDifferences, counters: set[str], count: DifferenceCounter) -> None:
    """Count charges and counters whose sums over all people differ."""
    found.counters = {name: found.counters.get(name, Total()) for name in sorted(counters)}
    for name, total in found.counters.items():
        if total.differs:
            _count_total(COUNTERS, name, total, count)
    if found.charges.differs:
        _count_total(CHARGES, "", found.charges, count)
    old, new = found.odd_amounts
    if old.count != new.count:
        count(
            ChangeClass.RETYPED,
            CHARGES,
            "amounts that are not numbers",
            old=_odd(old),
            new=_odd(new),
            who="over all people",
            count=max(old.count, new.count),
        )


def _odd(amounts: OddAmounts) -> str:
    return f"{amounts.count:,}, such as {amounts.example}" if amounts.count else "0"


def _count_total(section: str, path: str, total: Total, count: DifferenceCounter) -> None:
    things = max(total.old_count, total.new_count)
    old = f"{total.old_count:,} with a sum of {total.old_sum:,.10g}"
    new = f"{total.new_count:,} with a sum of {total.new_sum:,.10g}"
    factor = _factor(total)
    count(
        *(ChangeClass.VALUE, section, path),
        old=old,
        new=new,
        who="over all people",
        count=things,
        causes=(f"the new sum is {factor} the old one",) if factor else (),
    )


def _factor(total: Total) -> str:
    """The ratio of the new sum to the old one, if it is N or 1/N for a whole number N; else ""."""
    small, large = sorted((abs(total.old_sum), abs(total.new_sum)))
    if not small or (total.old_sum < 0) != (total.new_sum < 0):
        return ""
    times = round(large / small)
    if times < 2 or abs(large / small - times) > 1e-9 * times:
        return ""
    is_larger = abs(total.new_sum) == large
    return f"{times:,} times" if is_larger else f"1/{times:,} of"


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
