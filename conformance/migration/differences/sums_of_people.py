"""Differences of the charges and counters of single people.

The sums over all people hide what one person has more and another one less, and the times of
charges.
"""

from collections import Counter
from fractions import Fraction
from itertools import zip_longest
from typing import Any

from conformance.migration.differences.counting import (
    CHARGES,
    COUNTERS,
    DifferenceCounter,
    ProjectDifferences,
    Total,
)
from conformance.migration.differences.sums import charges_of, is_number, of_people
from conformance.regression.differences.changes import ChangeClass
from conformance.regression.json_text import compact
from conformance.spec.scenarios.loading import Json

AMOUNT = "$amount"

_NEAR = Fraction(1, 10**6)
"""Changes up to this share of a number are rounding."""


def compare_sums_of_person(
    found: ProjectDifferences,
    before: Json,
    after: Json,
    counters: set[str],
    who: str,
    count: DifferenceCounter,
) -> None:
    """Count differences of the charges and counters of a person who is the same in both projects.

    The changes of amounts and counters are also added to the totals of `found`.
    """
    for name in sorted(counters):
        old, new = ([each[name]] if is_number(each.get(name)) else [] for each in (before, after))
        total = found.counters.setdefault(name, Total())
        if old != new and _add_changes(old, new, total):
            key = of_people(COUNTERS, name)
            count(*key[:3], old=_counter(old), new=_counter(new), who=who)
    one, two = charges_of(before), charges_of(after)
    if one == two:
        return
    amounts = [
        sorted(each[AMOUNT] for each in side if is_number(each.get(AMOUNT))) for side in (one, two)
    ]
    if amounts[0] != amounts[1] and _add_changes(amounts[0], amounts[1], found.charges):
        key = of_people(CHARGES, "amounts")
        count(*key[:3], old=compact(amounts[0]), new=compact(amounts[1]), who=who)
    _compare_other_fields(one, two, who, count)


def _counter(numbers: list[float]) -> str:
    return compact(numbers[0] if numbers else None)


def _add_changes(old: list[float], new: list[float], total: Total) -> bool:
    """Add the changes from some numbers to others; says whether there is one besides rounding."""
    one, two = Counter(old), Counter(new)
    pairs = zip_longest(
        sorted((one - two).elements(), reverse=True),
        sorted((two - one).elements(), reverse=True),
        fillvalue=0,
    )
    is_changed = False
    for before, after in pairs:
        change = Fraction(after) - Fraction(before)
        if abs(change) > _NEAR * max(Fraction(1), abs(Fraction(before))):
            total.add_change(change)
            is_changed = True
    return is_changed or len(old) != len(new)


def _compare_other_fields(
    one: list[Json], two: list[Json], who: str, count: DifferenceCounter
) -> None:
    """Count, once for the person, each field of charges that differs, besides the amount."""
    sides = [{compact(rest): rest for rest in map(_without_amount, side)} for side in (one, two)]
    old, new = (
        [sides[side][text] for text in sorted(sides[side].keys() - sides[1 - side].keys())]
        for side in (0, 1)
    )
    changed: dict[str, tuple[Any, Any]] = {}
    for before, after in zip(old, new, strict=False):  # the sums show charges lost and new
        for name in sorted(before.keys() | after.keys()):
            values = before.get(name), after.get(name)
            if values[0] != values[1]:
                changed.setdefault(name, values)
    for name, values in changed.items():
        shown = map(compact, values)
        count(ChangeClass.VALUE, CHARGES, name, old=next(shown), new=next(shown), who=who)


def _without_amount(charge: Json) -> Json:
    return {name: charge[name] for name in sorted(charge) if name != AMOUNT}
