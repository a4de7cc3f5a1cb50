"""Compare the contents of two projects, in Mixpanel's terms."""

from collections import Counter

from conformance.migration.contents import ProjectContents
from conformance.migration.differences.common_causes import add_common_causes
from conformance.migration.differences.counting import (
    DESTINATION,
    MESSAGES,
    REFUSED,
    DifferenceCounter,
    ProjectDifferences,
)
from conformance.migration.differences.events import compare_events
from conformance.migration.differences.people import compare_people
from conformance.migration.differences.profiles import compare_groups, compare_profiles
from conformance.migration.differences.sums import add_sums, compare_sums
from conformance.regression.differences.changes import ChangeClass
from conformance.regression.differences.counts import DiffCounts
from conformance.regression.json_text import printable
from conformance.regression.redaction import SecretFilter


def compare(old: ProjectContents, new: ProjectContents, redact: SecretFilter) -> ProjectDifferences:
    """The differences between the contents of two sides' projects.

    Both were made from the same corpus. `redact` hides secrets in the examples.
    """
    counters = old.counters | new.counters
    found = compare_part(old, new, counters, redact)
    found.counts.bad_lines = old.bad_lines
    found.counts.first_bad_lines = list(old.first_bad_lines)
    settle(found, counters, redact)
    return found


def compare_part(
    old: ProjectContents, new: ProjectContents, counters: set[str], redact: SecretFilter
) -> ProjectDifferences:
    """The differences for people who have nothing to do with the people of other parts.

    The parts are added up, and then settled. `counters` are those of all parts.
    """
    found = ProjectDifferences(DiffCounts(messages=old.messages))
    found.requests = old.requests, new.requests
    changed: set[int] = set()
    counter = DifferenceCounter(found.counts, old.places, changed, redact)
    _destinations(old, new, counter)
    same = compare_people(found, old, new, counter)
    compare_events(found, old, new, counter)
    compare_profiles(found, old, new, same, counters, counter)
    add_sums(found, old, new, counters)
    compare_groups(old, new, counter)
    found.groups = len(old.groups), len(new.groups)
    _refused(found, old, new, counter)
    _messages(found, old, new, counter)
    found.counts.changed = len(changed)
    return found


def settle(found: ProjectDifferences, counters: set[str], redact: SecretFilter) -> None:
    """Compare the sums over all parts, and put everything in order. To be called once."""
    compare_sums(found, counters, DifferenceCounter(found.counts, {}, set(), redact))
    found.by_name = dict(sorted(found.by_name.items()))
    found.counts.settle()
    add_common_causes(found.counts)
    found.people_changes.sort()


def _destinations(old: ProjectContents, new: ProjectContents, count: DifferenceCounter) -> None:
    """Count messages whose records go to another region, host or project."""
    for message in sorted(old.destinations.keys() & new.destinations.keys()):
        before, after = (" and ".join(each.destinations[message]) for each in (old, new))
        if before != after:
            path = printable(f"{before[:MOST_DESTINATION]} -> {after[:MOST_DESTINATION]}")
            count(ChangeClass.MOVED, DESTINATION, path, message=message, old=before, new=after)


MOST_DESTINATION = 100
"""Characters of a destination in a path."""


def _refused(
    found: ProjectDifferences, old: ProjectContents, new: ProjectContents, count: DifferenceCounter
) -> None:
    """Count records that Mixpanel refuses or ignores, on one side only and on both, by reason."""
    for endpoint, reason in sorted(old.refused.keys() | new.refused.keys()):
        before = old.refused.get((endpoint, reason), [])
        after = new.refused.get((endpoint, reason), [])
        on_both = (Counter(before) & Counter(after)).total()
        if on_both:
            found.refused[endpoint, reason] += on_both
        path = f"{endpoint}: {reason}"
        for kind, messages in (
            (ChangeClass.REMOVED, _less(before, after)),
            (ChangeClass.ADDED, _less(after, before)),
        ):
            for message in messages:
                sides = ("refused", None) if kind is ChangeClass.REMOVED else (None, "refused")
                count(kind, REFUSED, path, message=message, old=sides[0], new=sides[1])


def _less(one: list[int], two: list[int]) -> list[int]:
    return sorted((Counter(one) - Counter(two)).elements())


def _messages(
    found: ProjectDifferences, old: ProjectContents, new: ProjectContents, count: DifferenceCounter
) -> None:
    """Count messages that fail, or are skipped in part, on one side only, by code."""
    for message in sorted(old.errors.keys() | new.errors.keys()):
        before, after = old.errors.get(message), new.errors.get(message)
        if before and after:
            found.counts.count_failing((0, message), before, after, "")
        elif after:
            count(ChangeClass.FAILING, MESSAGES, f"error.{after}", message=message, new=after)
        elif message not in new.silent:
            # A translator that does not report errors just makes no operation.
            count(ChangeClass.UNFAILING, MESSAGES, f"error.{before}", message=message, old=before)
    for message in sorted(old.silent.keys() & new.silent.keys()):
        found.counts.count_silent(new.silent[message] or old.silent[message])
