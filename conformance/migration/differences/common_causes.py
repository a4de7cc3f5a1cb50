"""Finds the rule that many changed names or ids have in common.

The rules are found after everything is counted, so they do not depend on how the corpus was
divided.
"""

from collections import Counter

from conformance.migration.differences.counting import PEOPLE
from conformance.migration.differences.name_rules import name_rule
from conformance.regression.differences.changes import ChangeClass
from conformance.regression.differences.counts import DiffCounts
from conformance.regression.differences.groups import Group, GroupKey

FEWEST_NAMES = 2
"""Minimum number of names that changed by a rule, for the rule to be a cause."""

SMALLEST_SHARE = 0.05
"""Minimum share of the people with other ids that a rule must explain. Rarer ones are not named."""

NO_RULE = "by no common rule"


def add_common_causes(counts: DiffCounts) -> None:
    """Give the renames of names and ids the rule that they have in common."""
    rules = {key: rule for key in counts.groups if (rule := _rule(key))}
    names = Counter((key.operation, rule) for key, rule in rules.items())
    groups, counts.groups = counts.groups, {}
    ids = [key for key in groups if key.operation == PEOPLE and key.kind is ChangeClass.RENAMED]
    people = sum(groups[key].messages for key in ids)
    for key, group in groups.items():
        if key in ids:
            is_rare = group.messages < max(FEWEST_NAMES, SMALLEST_SHARE * people)
            key = key._replace(causes=(NO_RULE,)) if is_rare else key
        elif key in rules and names[key.operation, rules[key]] >= FEWEST_NAMES:
            key = key._replace(causes=(rules[key],))
        counts.groups.setdefault(key, Group()).add(group)
    counts.groups = dict(counts.sorted_groups())


def _rule(key: GroupKey) -> str | None:
    """The rule of a renamed event or property."""
    if key.kind is not ChangeClass.RENAMED or not key.path or key == key.rest:
        return None
    old, arrow, new = key.path.partition(" -> ")
    return name_rule(old, new) if arrow else None
