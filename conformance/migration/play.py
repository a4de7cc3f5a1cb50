"""Play one side: translate the corpus, send the operations to a project, read what it holds."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

import orjson

from conformance.corpus.entries import BadLine, Entry, read_entry
from conformance.corpus.reading import read_corpus
from conformance.migration.batches import Batches
from conformance.migration.project import TOKEN, Project
from conformance.regression.arrival import arrival
from conformance.regression.comparison import BATCH
from conformance.regression.engine import opened
from conformance.regression.json_text import compact, printable
from conformance.regression.refs import Ref
from conformance.spec.loading import Json

EVENT_ENDPOINTS = ("/track", "/import")
MAX_BAD_LINES = 5

NOT_COMPARED = frozenset(["distinct_id", "time", "token", "$insert_id", "$import"])
"""Properties of stored events that are compared in another way, or are how the event was sent: the
person, the instant, the project, the id against duplicates and the mark of /import."""


@dataclass(frozen=True)
class Game:
    """What a side is played with. `now` and `clock` are as in a diff's job."""

    settings: Json
    now: datetime | None
    clock: datetime
    project: Json


@dataclass
class Played:
    """What a project holds after a side was played, and what the translator told.

    Messages are numbered from 0. `events` are texts of JSON: name, second, and properties.
    """

    messages: int = 0
    bad_lines: list[str] = field(default_factory=list)
    places: list[tuple[str, str | None]] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    silent: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Messages that make no operation and do not fail, with their skip codes."""
    events: dict[int, list[tuple[bytes, str]]] = field(default_factory=dict)
    """Message -> its events, each with the person who has it in the end."""
    updated: dict[int, set[str]] = field(default_factory=dict)
    """Message -> the people whose profiles it updates."""
    profiles: dict[str, Json] = field(default_factory=dict)
    groups: dict[str, Json] = field(default_factory=dict)
    counters: set[str] = field(default_factory=set)
    refused: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """Endpoint and reason -> the messages of the refused records."""
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Endpoint and host -> records."""
    people: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Person -> all ids, for people with several."""
    split_profiles: int = 0
    earliest: datetime | None = None
    latest: datetime | None = None


def play(ref: Ref, files: Sequence[str], game: Game) -> Played:
    """Translate the messages of some files and send the operations to a new project.

    Raises DataError for a file that cannot be read to its end, and what a side raises.
    """
    project, played = Project(game.project), Played()
    origins: list[int] = [-1]
    """Number of a record in the mock (from 1) -> its message."""

    def send(endpoint: str, records: Sequence[Json], messages: Sequence[int]) -> None:
        project.send(endpoint, records)
        origins.extend(messages)

    batches = Batches(send)
    with closing(opened(ref)) as side:
        for entries in _batches(files, game, played):
            settings, now = entries[0].settings or game.settings, entries[0].now or game.clock
            if now != played.latest:
                batches.flush()
            played.earliest = min(played.earliest or now, now)
            played.latest = max(played.latest or now, now)
            project.advance_to(now)
            first = played.messages - len(entries)
            for number, answer in enumerate(side.answers(entries, settings, now), first):
                _take(answer, number, played, batches)
        batches.flush()
    _read(project, origins, played)
    return played


def _batches(files: Sequence[str], game: Game, played: Played) -> Any:
    """Entries in order, cut where settings or time change; each has the time it is judged at."""
    for chunk in read_corpus(files):
        entries = []
        for number, line in chunk.lines():
            where = f"{chunk.name}:{number}"
            try:
                entry = read_entry(line, where)
                if entry.session:
                    raise BadLine("a session cannot be sent to a project; give its messages")
            except BadLine as bad:
                played.bad_lines.append(printable(f"{where}: {bad}"[:600]))
                continue
            now = entry.now or game.now or arrival(entry.message) or game.clock
            entries.append(entry._replace(now=now))
        for _, group in groupby(entries, key=lambda entry: (entry.settings, entry.now)):
            found: list[Entry] = list(group)
            for start in range(0, len(found), BATCH):
                batch = found[start : start + BATCH]
                played.messages += len(batch)
                played.places += [(entry.where, entry.id) for entry in batch]
                yield batch


def _take(answer: Json, number: int, played: Played, batches: Batches) -> None:
    error, operations = answer.get("error"), answer.get("operations") or ()
    if error:
        played.errors[number] = str(error.get("code"))
    elif not operations:
        codes = {str(skip.get("code")) for skip in answer.get("skipped") or ()}
        played.silent[number] = tuple(sorted(codes))
    for operation in operations:
        endpoint, record = operation["endpoint"].rstrip("/"), _for_project(operation["payload"])
        played.requests[endpoint, str(operation.get("host") or "")] += 1
        added = record.get("$add")
        if type(added) is dict:
            played.counters.update(added)
        batches.add(endpoint, record, number)
        if endpoint == "/engage" and record.get("$distinct_id") is not None:
            played.updated.setdefault(number, set()).add(str(record["$distinct_id"]))


def _for_project(record: Json) -> Json:
    """The record with the token of our project in place of its own."""
    properties = record.get("properties")
    if type(properties) is dict and "event" in record:
        return {**record, "properties": {**properties, "token": TOKEN}}
    return {**record, "$token": TOKEN}


def _read(project: Project, origins: Sequence[int], played: Played) -> None:
    canonical: dict[str, str] = {}
    identities = project.read("identities")
    for cluster in identities["clusters"]:
        person = _person(cluster["canonical"])
        played.people[person] = tuple(cluster["ids"])
        canonical |= dict.fromkeys(cluster["ids"], person)
    played.split_profiles = len(identities["split_profiles"])
    for event in project.read("events"):
        properties = {
            key: value for key, value in event["properties"].items() if key not in NOT_COMPARED
        }
        text = _dump([event["event"], int(event["time"]), properties])
        person = _person(str(event["distinct_id"]))
        played.events.setdefault(origins[event["id"]], []).append((text, person))
    for each in project.read("profiles"):
        played.profiles[_person(each["distinct_id"])] = each["properties"]
    for each in project.read("groups"):
        played.groups[f"{each['group_key']}: {each['group_id']}"] = each["properties"]
    for each in project.read("rejected"):
        reason = "; ".join(map(str, each["reasons"]))
        place = each["endpoint"], printable(reason)[:200]
        played.refused.setdefault(place, []).append(origins[each["id"]])
    played.updated = {
        number: {_person(canonical.get(each, each)) for each in ids}
        for number, ids in played.updated.items()
    }


def _person(name: str) -> str:
    """An id without the prefix of Simplified ID Merge for devices."""
    return name.removeprefix("$device:")


def _dump(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return compact(value).encode()
