"""Compare what two projects hold, in Mixpanel's terms."""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from conformance.migration.delivery import ProjectContents
from conformance.migration.people import NOBODY, ConnectedPeople, connected_people, pairs_of
from conformance.regression.differences.changes import Change, ChangeClass, changes
from conformance.regression.differences.counts import (
    EXAMPLES,
    MAX_CHARACTERS,
    DiffCounts,
    Example,
    Group,
    GroupKey,
)
from conformance.regression.json_text import compact, printable
from conformance.regression.redaction import SecretFilter
from conformance.spec.scenarios.loading import Json

PEOPLE, EVENTS, PROPERTIES = "people", "events", "event properties"
PROFILES, GROUPS, CHARGES = "profiles", "group profiles", "charges"
COUNTERS, REFUSED, MESSAGES = "counters", "refused by Mixpanel", "messages"

SECTIONS = (*(PEOPLE, EVENTS, PROPERTIES, PROFILES, CHARGES, COUNTERS, GROUPS, REFUSED, MESSAGES),)
"""The sections of the report, the gravest first. A row's operation is its section."""

TRANSACTIONS = "$transactions"

MAX_IDS = 6
"""Ids of a person in an example."""


@dataclass
class Total:
    """A sum over all people, in the old and in the new project."""

    old_count: int = 0
    old_sum: float = 0
    new_count: int = 0
    new_sum: float = 0

    @property
    def differs(self) -> bool:
        """Whether count or sum differ by more than rounding."""
        near = abs(self.old_sum - self.new_sum) <= 1e-6 * max(1, abs(self.old_sum))
        return self.old_count != self.new_count or not near


@dataclass
class ProjectDifferences:
    """The differences of two projects. `counts` counts messages, people or groups, by section."""

    counts: DiffCounts
    people: tuple[int, int] = (0, 0)
    same_people: int = 0
    events: tuple[int, int] = (0, 0)
    by_name: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Event name -> events in the old and in the new project."""
    charges: Total = field(default_factory=Total)
    counters: dict[str, Total] = field(default_factory=dict)
    requests: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = (Counter(), Counter())
    not_compared: int = 0
    """People whose profiles are not compared, because they were merged or split."""


def compare(old: ProjectContents, new: ProjectContents, redact: SecretFilter) -> ProjectDifferences:
    """The differences between what two sides left in their projects.

    Both were made from the same corpus. `redact` hides secrets in the examples.
    """
    found = ProjectDifferences(DiffCounts(messages=old.messages))
    found.requests = old.requests, new.requests
    found.counts.bad_lines = len(old.bad_lines)
    found.counts.bad_examples = old.bad_lines[:5]
    changed: set[int] = set()
    counter = _Counter(found.counts, old.places, changed, redact)
    same = _people(found, old, new, counter)
    _events(found, old, new, counter)
    _profiles(found, old, new, same, counter)
    _sums(found, old, new, counter)
    _groups(old, new, counter)
    _refused(old, new, counter)
    _messages(found, old, new, counter)
    found.counts.changed = len(changed)
    found.counts.settle_renames()
    return found


class _Counter:
    """Counts differences, with examples and their places."""

    def __init__(
        self,
        counts: DiffCounts,
        places: list[tuple[str, str | None]],
        changed: set[int],
        redact: SecretFilter,
    ) -> None:
        self._counts = counts
        self._places = places
        self._changed = changed
        self._redact = redact

    def __call__(
        self,
        kind: ChangeClass,
        section: str,
        path: str,
        *,
        message: int | None = None,
        old: str | None = None,
        new: str | None = None,
        event: str | None = None,
        count: int = 1,
        who: str = "",
    ) -> None:
        """Count a difference of `count` things. `message` or `who` say where the example is."""
        key = self._counts.bounded(GroupKey(kind, section, path))
        group = self._counts.groups.setdefault(key, Group())
        group.messages += count
        if event is not None:
            group.count_event(event)
        if message is not None:
            self._changed.add(message)
        if len(group.examples) < EXAMPLES and (old is not None or new is not None or who):
            where, name = self._places[message] if message is not None else (who, None)
            shown = None if name is None else printable(self._redact(name))
            sides = (None if each is None else self._shown(each) for each in (old, new))
            group.examples.append(Example(printable(where), shown, *sides))

    def _shown(self, text: str) -> str:
        """A text of JSON without secrets, cut."""
        with suppress(ValueError):  # some are words of ours
            text = compact(self._redact(orjson.loads(text)))
        more = len(text) - MAX_CHARACTERS
        return text if more <= 0 else f"{text[:MAX_CHARACTERS]}... ({more} characters more)"


def _people(
    found: ProjectDifferences, old: ProjectContents, new: ProjectContents, count: _Counter
) -> dict[str, str]:
    """Count people merged and split; give the people who are the same, old to new."""
    pairs: list[tuple[int, str, str]] = []
    for message in sorted(old.events.keys() & new.events.keys()):
        pairs += pairs_of(message, _who(old, message), _who(new, message))
    for message in sorted(old.updated.keys() & new.updated.keys()):
        pairs += pairs_of(message, old.updated[message], new.updated[message])
    same: dict[str, str] = {}
    seen: tuple[set[str], set[str]] = (set(), set())
    for group in connected_people(pairs):
        seen[0].update(group.old)
        seen[1].update(group.new)
        if len(group.old) == len(group.new) == 1:
            same[min(group.old)] = min(group.new)
            continue
        kind = _kind_of(group)
        number = max(len(group.old), len(group.new)) if kind is ChangeClass.REGROUPED else 0
        message = min(group.links.values())
        count(
            kind,
            PEOPLE,
            "",
            message=message,
            count=number or (len(group.old) if kind is ChangeClass.SPLIT else len(group.new)),
            old=_named(group.old, old),
            new=_named(group.new, new),
        )
        found.not_compared += len(group.old)
    everyone = _first_messages(old), _first_messages(new)
    found.people = len(everyone[0]), len(everyone[1])
    found.same_people = len(same)
    for person in sorted(everyone[0].keys() - seen[0]):
        shown = _named([person], old)
        count(ChangeClass.REMOVED, PEOPLE, "", message=everyone[0][person], old=shown)
    for person in sorted(everyone[1].keys() - seen[1]):
        shown = _named([person], new)
        count(ChangeClass.ADDED, PEOPLE, "", message=everyone[1][person], new=shown)
    return same


def _who(contents: ProjectContents, message: int) -> set[str]:
    return {person for _, person in contents.events[message]}


def _first_messages(contents: ProjectContents) -> dict[str, int]:
    """Everybody who has an event or a profile, with their first message."""
    first: dict[str, int] = {}
    for message in sorted(contents.events.keys() | contents.updated.keys()):
        people = {person for _, person in contents.events.get(message, ())}
        people |= {each for each in contents.updated.get(message, ()) if each in contents.profiles}
        for person in people - {NOBODY}:
            first.setdefault(person, message)
    return first


def _kind_of(group: ConnectedPeople) -> ChangeClass:
    if len(group.old) == 1:
        return ChangeClass.SPLIT
    return ChangeClass.MERGED if len(group.new) == 1 else ChangeClass.REGROUPED


def _named(people: Iterable[str], contents: ProjectContents) -> str:
    """People with all their ids, as text of JSON."""
    found = []
    for person in sorted(people):
        ids = list(contents.people.get(person, (person,)))
        more = len(ids) - MAX_IDS
        found.append(ids if more <= 0 else [*ids[:MAX_IDS], f"{more} more ids"])
    return compact(found[:MAX_IDS])


def _events(
    found: ProjectDifferences, old: ProjectContents, new: ProjectContents, count: _Counter
) -> None:
    """Count events lost, new and renamed, and differences of their properties."""
    names: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for side, contents in zip(names, (old, new), strict=True):
        for events in contents.events.values():
            side.update(_name(orjson.loads(text)[0]) for text, _ in events)
    found.events = names[0].total(), names[1].total()
    found.by_name = {name: (names[0][name], names[1][name]) for name in sorted(names[0] | names[1])}
    for message in sorted(old.events.keys() | new.events.keys()):
        one = [text for text, _ in old.events.get(message, ())]
        two = [text for text, _ in new.events.get(message, ())]
        if one == two:
            continue
        for change in changes(_as_answer(one), _as_answer(two)):
            _count_event(change, message, count)


def _as_answer(events: Iterable[bytes]) -> Json:
    operations = []
    for text in events:
        name, second, properties = orjson.loads(text)
        payload = {"event": name, "second": second, "properties": properties}
        operations.append({"endpoint": "/track", "host": "", "payload": payload})
    return {"operations": operations}


def _count_event(change: Change, message: int, count: _Counter) -> None:
    old, new = compact(change.old), compact(change.new)
    if change.kind is ChangeClass.REORDERED:
        return
    if not change.path:
        name = change.event or ""
        one, two = (old, None) if change.kind is ChangeClass.REMOVED else (None, new)
        count(change.kind, EVENTS, name, message=message, old=one, new=two)
    elif change.path == "payload.event":
        path = f"{_name(change.old)} -> {_name(change.new)}"
        count(ChangeClass.RENAMED, EVENTS, path, message=message, old=old, new=new)
    elif change.path == "payload.second":
        path, event = "(time)", change.event
        count(ChangeClass.VALUE, PROPERTIES, path, message=message, old=old, new=new, event=event)
    else:
        one = None if change.kind is ChangeClass.ADDED else old
        two = None if change.kind is ChangeClass.REMOVED else new
        path = _name_in(change.path, "payload.properties")
        event = change.event
        count(change.kind, PROPERTIES, path, message=message, old=one, new=two, event=event)


def _name_in(path: str, prefix: str) -> str:
    """The names of properties in a path: `payload.properties.plan` is `plan`."""
    return " -> ".join(_bare(place.removeprefix(prefix)) for place in path.split(" -> "))


def _bare(place: str) -> str:
    if place.startswith('["') and place.endswith('"]') and place.count('["') == 1:
        return str(orjson.loads(place)[0])
    return place.removeprefix(".")


def _profiles(
    found: ProjectDifferences,
    old: ProjectContents,
    new: ProjectContents,
    same: Mapping[str, str],
    count: _Counter,
) -> None:
    """Count differences of the profiles of people who are the same in both projects."""
    counters = old.counters | new.counters
    for one, two in sorted(same.items()):
        before, after = old.profiles.get(one), new.profiles.get(two)
        if before is None and after is None:
            continue
        if before is None or after is None:
            kind = ChangeClass.ADDED if before is None else ChangeClass.REMOVED
            whole = compact(after if before is None else before)
            sides = (None, whole) if before is None else (whole, None)
            count(kind, PROFILES, "", old=sides[0], new=sides[1], who=_label(one))
            continue
        left_out = {TRANSACTIONS, *counters}
        _values(before, after, left_out, PROFILES, _label(one), count)


def _values(
    before: Json, after: Json, left_out: set[str], section: str, who: str, count: _Counter
) -> None:
    """Count differences between two objects, as those of two profiles."""
    old = {key: value for key, value in before.items() if key not in left_out}
    new = {key: value for key, value in after.items() if key not in left_out}
    if old == new:
        return
    one, two = (
        {"operations": [{"endpoint": "/engage", "host": "", "payload": {"p": each}}]}
        for each in (old, new)
    )
    for change in changes(one, two):
        sides = (
            None if change.kind is ChangeClass.ADDED else compact(change.old),
            None if change.kind is ChangeClass.REMOVED else compact(change.new),
        )
        path = _name_in(change.path, "payload.p")
        count(change.kind, section, path, old=sides[0], new=sides[1], who=who)


def _sums(
    found: ProjectDifferences, old: ProjectContents, new: ProjectContents, count: _Counter
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


def _count_total(section: str, path: str, total: Total, count: _Counter) -> None:
    things = max(total.old_count, total.new_count)
    old = f"{total.old_count:,} with a sum of {total.old_sum:,.10g}"
    new = f"{total.new_count:,} with a sum of {total.new_sum:,.10g}"
    count(ChangeClass.VALUE, section, path, old=old, new=new, who="over all people", count=things)


def _groups(old: ProjectContents, new: ProjectContents, count: _Counter) -> None:
    for name in sorted(old.groups.keys() | new.groups.keys()):
        before, after = old.groups.get(name), new.groups.get(name)
        if before is None:
            count(ChangeClass.ADDED, GROUPS, "", new=compact(after), who=printable(name))
        elif after is None:
            count(ChangeClass.REMOVED, GROUPS, "", old=compact(before), who=printable(name))
        else:
            _values(before, after, set(), GROUPS, printable(name), count)


def _refused(old: ProjectContents, new: ProjectContents, count: _Counter) -> None:
    """Count records that Mixpanel refuses or ignores on one side only, by reason."""
    for endpoint, reason in sorted(old.refused.keys() | new.refused.keys()):
        before = old.refused.get((endpoint, reason), [])
        after = new.refused.get((endpoint, reason), [])
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
    found: ProjectDifferences, old: ProjectContents, new: ProjectContents, count: _Counter
) -> None:
    """Count messages that fail, or are skipped in part, on one side only, by code."""
    for message in sorted(old.errors.keys() | new.errors.keys()):
        before, after = old.errors.get(message), new.errors.get(message)
        if before and after:
            found.counts.count_failing(before, after, "")
        elif after:
            count(ChangeClass.FAILING, MESSAGES, f"error.{after}", message=message, new=after)
        elif message not in new.silent:
            # A translator that does not report errors just makes no operation.
            count(ChangeClass.UNFAILING, MESSAGES, f"error.{before}", message=message, old=before)
    for message in sorted(old.silent.keys() & new.silent.keys()):
        found.counts.count_silent(new.silent[message] or old.silent[message])


def _label(person: str) -> str:
    return f"person {compact(person)}"


def _name(event: Any) -> str:
    return (event if type(event) is str else compact(event))[:100]


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
