"""Events that were lost, added or renamed, and the differences of their properties."""

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any

import orjson

from conformance.migration.contents import ProjectContents
from conformance.migration.differences.counting import (
    EVENTS,
    PROPERTIES,
    DifferenceCounter,
    ProjectDifferences,
)
from conformance.migration.differences.name_rules import time_zone_causes, type_causes
from conformance.migration.differences.paths import property_names
from conformance.regression.differences.changes import Change, ChangeClass, changes
from conformance.regression.json_text import compact
from conformance.spec.scenarios.loading import Json


def compare_events(
    found: ProjectDifferences, old: ProjectContents, new: ProjectContents, count: DifferenceCounter
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
        if len(one) != len(two):
            one, two = _without_copies(one, two, message, count)
        for change in changes(_as_answer(one), _as_answer(two)):
            _count_event(change, message, count)


def _without_copies(
    one: list[bytes], two: list[bytes], message: int, count: DifferenceCounter
) -> tuple[list[bytes], list[bytes]]:
    """The events of a message without the copies that only one project has.

    Counts the events that are stored more or less often. Events of one name are copies if all of
    them occur equally often.
    """
    sides = _by_name(one), _by_name(two)
    for old_name, new_name in _same_events(*sides):
        before, after = sides[0][old_name], sides[1][new_name]
        times = _times(before), _times(after)
        if not all(times) or times[0] == times[1] or len(set(before)) != len(set(after)):
            continue
        kind = ChangeClass.ADDED if times[0] < times[1] else ChangeClass.REMOVED
        [event] = _as_answer([(after if times[0] < times[1] else before)[0]])["operations"]
        shown = (None, compact(event)) if kind is ChangeClass.ADDED else (compact(event), None)
        cause = f"stored {_often(times[1])} instead of {_often(times[0])}"
        count(
            # The name of the side with fewer: of the other name a rename is counted.
            *(kind, EVENTS, old_name if kind is ChangeClass.ADDED else new_name),
            message=message,
            old=shown[0],
            new=shown[1],
            count=len(before),
            causes=(cause,),
        )
        one, two = (
            [*(text for text in side if text not in copies), *dict.fromkeys(copies)]
            for side, copies in ((one, before), (two, after))
        )
    return one, two


def _same_events(old: Iterable[str], new: Iterable[str]) -> list[tuple[str, str]]:
    """The names of events of a message in both projects; of one other event on each side, both."""
    ones, twos = set(old), set(new)
    names = [(name, name) for name in sorted(ones & twos)]
    others = [*(ones - twos), *(twos - ones)]
    if len(ones - twos) == len(twos - ones) == 1:
        names.append((others[0], others[1]))
    return names


def _by_name(events: Iterable[bytes]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for text in events:
        found.setdefault(_name(orjson.loads(text)[0]), []).append(text)
    return found


def _times(events: list[bytes]) -> int:
    """How often each event occurs; 0 if some occur more often than others."""
    counts = set(Counter(events).values())
    return counts.pop() if len(counts) == 1 else 0


def _often(times: int) -> str:
    return {1: "once", 2: "twice"}.get(times, f"{times} times")


def _as_answer(events: Iterable[bytes]) -> Json:
    operations = []
    for text in events:
        name, second, properties = orjson.loads(text)
        payload = {"event": name, "second": second, "properties": properties}
        operations.append({"endpoint": "/track", "host": "", "payload": payload})
    return {"operations": operations}


def _count_event(change: Change, message: int, count: DifferenceCounter) -> None:
    if change.kind is ChangeClass.REORDERED:
        return
    old = None if change.kind is ChangeClass.ADDED else compact(change.old)
    new = None if change.kind is ChangeClass.REMOVED else compact(change.new)
    count_change = partial(count, message=message, old=old, new=new)
    if not change.path:
        count_change(change.kind, EVENTS, change.event or "")
    elif change.path == "payload.event":
        count_change(ChangeClass.RENAMED, EVENTS, f"{_name(change.old)} -> {_name(change.new)}")
    elif change.path == "payload.second":
        causes = time_zone_causes(change)
        count_change(ChangeClass.VALUE, PROPERTIES, "(time)", event=change.event, causes=causes)
    else:
        path, causes = property_names(change.path, "payload.properties"), type_causes(change)
        count_change(change.kind, PROPERTIES, path, event=change.event, causes=causes)


def _name(event: Any) -> str:
    return (event if type(event) is str else compact(event))[:100]
