"""Differences of charges and counters, each summed over all people.

Those of single people are in `sums_of_people`.
"""

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
from conformance.regression.differences.groups import GroupKey
from conformance.regression.json_text import compact
from conformance.spec.scenarios.loading import Json

TRANSACTIONS = "$transactions"

ALL_PEOPLE = "over all people"
"""The place of an example that is a sum."""


def of_people(section: str, name: str) -> GroupKey:
    """The key of the changes of single people: of the amounts of charges, or of a counter."""
    return GroupKey(ChangeClass.VALUE, section, f"{name} of single people")


def add_sums(
    found: ProjectDifferences, old: ProjectContents, new: ProjectContents, counters: set[str]
) -> None:
    """Add the charges and counters of all people of two projects."""
    for contents, is_old in ((old, True), (new, False)):
        for profile in contents.profiles.values():
            for name, value in profile.items():
                if name in counters and is_number(value):
                    total = found.counters.setdefault(name, Total())
                    (total.old if is_old else total.new).add([value])
            charges = [each.get("$amount") for each in charges_of(profile)]
            (found.charges.old if is_old else found.charges.new).add(filter(is_number, charges))
            odd = found.odd_amounts[0 if is_old else 1]
            for amount in charges:
                if not is_number(amount):
                    odd.add(OddAmounts(1, compact(amount)))


def compare_sums(found: ProjectDifferences, counters: set[str], count: DifferenceCounter) -> None:
    """Count charges and counters whose sums over all people differ.

    Changes of single people that all go in one direction are what the sum shows, so they are
    removed.
    """
    found.counters = {name: found.counters.get(name, Total()) for name in sorted(counters)}
    for name, total in found.counters.items():
        if total.differs:
            _count_total(COUNTERS, name, total, count)
        if not total.cancels_out:
            found.counts.groups.pop(of_people(COUNTERS, name), None)
    if found.charges.differs:
        _count_total(CHARGES, "", found.charges, count)
    if not found.charges.cancels_out:
        found.counts.groups.pop(of_people(CHARGES, "amounts"), None)
    old, new = found.odd_amounts
    if old.count != new.count:
        count(
            ChangeClass.RETYPED,
            CHARGES,
            "amounts that are not numbers",
            old=_odd(old),
            new=_odd(new),
            who=ALL_PEOPLE,
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
        who=ALL_PEOPLE,
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


def charges_of(profile: Json) -> list[Json]:
    """The charges of a person."""
    charges = profile.get(TRANSACTIONS)
    return [each for each in charges if type(each) is dict] if type(charges) is list else []


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value can be added up."""
    return isinstance(value, int | float) and not isinstance(value, bool)
