"""Deliver one side: translate the corpus, send the operations to a project, and read its
contents."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from conformance.corpus.entries import BadLine, CorpusEntry, read_entry
from conformance.corpus.reading import Chunk, read_corpus
from conformance.migration.batches import Batches, Target
from conformance.migration.contents import ProjectContents, SideOptions
from conformance.migration.delivering_driver import DeliveringDriver, delivers, running_server
from conformance.migration.project import TOKEN, MockProject
from conformance.migration.reading import RecordOrigins, read_project
from conformance.regression.differences.arrival import arrival
from conformance.regression.differences.comparison import BATCH
from conformance.regression.engine import opened
from conformance.regression.sides.refs import Ref
from conformance.spec.scenarios.loading import Json
from mock_mixpanel.app import create_app
from mock_mixpanel.ingest.regions import DEFAULT, region_of
from translator.garbage_collection import rare_collection


def deliver_corpus(ref: Ref, files: Sequence[str], options: SideOptions) -> ProjectContents:
    """Translate the messages of some files and send the operations to a new project.

    Raises DataError for a file that cannot be read to its end, and what a side raises.
    """
    with rare_collection():
        if delivers(ref, options.settings):
            return _deliver_by_driver(ref, files, options)
        contents = ProjectContents()
        deliver(ref, _batches(files, options, contents), options, contents)
        return contents


def deliver(
    ref: Ref, batches: Iterable["MessageBatch"], options: SideOptions, contents: ProjectContents
) -> None:
    """Translate batches of messages, and send the operations to a new project.

    The project is read as of the latest time of `contents`, or of a batch if that is later.
    """
    project = MockProject(options.project)
    origins = RecordOrigins()

    def send(target: Target, records: Sequence[Json], messages: Sequence[int]) -> None:
        endpoint, query = target
        sent = project.send(endpoint, records, dict(query) if query else None)
        if not sent.unreadable:
            origins.add(records, messages)
            return
        origins.skip(sent.counted)
        if len(records) == 1:
            contents.refused.setdefault((endpoint, sent.unreadable), []).extend(messages)
            return
        # One record can make the request unreadable; a translator sends it apart from the others.
        for record, message in zip(records, messages, strict=True):
            send(target, [record], [message])

    waiting = Batches(send)
    with closing(opened(ref)) as side:
        for batch in batches:
            if batch.clock != project.now:
                waiting.flush()
            project.advance_to(batch.clock)
            contents.count_moment(batch.now)
            answers = side.answers(batch.entries, batch.settings, batch.now)
            for number, answer in zip(batch.numbers, answers, strict=True):
                _take(answer, number, ref.settings or batch.settings, contents, waiting)
        waiting.flush()
    if contents.latest is not None:
        project.advance_to(contents.latest)
    read_project(project, origins, contents)


def _deliver_by_driver(ref: Ref, files: Sequence[str], options: SideOptions) -> ProjectContents:
    """Let a driver send the requests for each message over HTTP, and find them in the journal."""
    contents, origins, last = ProjectContents(), RecordOrigins(), 0
    with running_server() as server, closing(DeliveringDriver(ref, server)) as driver:
        project = MockProject(options.project, create_app(backend=server.backend))
        for batch in _batches(files, options, contents):
            project.advance_to(batch.clock)
            contents.count_moment(batch.now)
            for number, entry in zip(batch.numbers, batch.entries, strict=True):
                answer = driver.deliver(entry.message, batch.settings, batch.now)
                requests = project.requests_after(last)
                for request in requests:
                    last = request["id"]
                    # A request to an unknown path has no verdicts, and its records no numbers.
                    for record, _ in zip(request["payload"], request["verdicts"], strict=False):
                        origins.add([record], [number])
                        endpoint, region = request["path"].rstrip("/"), request["region"]
                        _note(endpoint, region, record, number, contents)
                        _note_destination(region, record, TOKEN, number, contents)
                _note_answer(answer, number, bool(requests), contents)
        read_project(project, origins, contents)
    return contents


class MessageBatch(NamedTuple):
    """Messages with one time and one set of settings, in order.

    `now` is the time as of which they are translated, `clock` the latest such time so far: the
    clock of the project when they arrive.
    """

    entries: list[CorpusEntry]
    numbers: list[int]
    settings: Json
    now: datetime
    clock: datetime


def _batches(
    files: Sequence[str], options: SideOptions, contents: ProjectContents
) -> Iterator[MessageBatch]:
    """The messages of some files, cut where settings or time change."""
    clock: datetime | None = None
    for chunk in read_corpus(files):
        judged = []
        for _, entry in read_entries(chunk, options, contents):
            number = contents.messages
            contents.messages += 1
            contents.places[number] = entry.where, entry.id
            assert entry.now is not None
            clock = max(clock or entry.now, entry.now)
            judged.append((number, entry, clock))
        yield from in_batches(judged, options)


def read_entries(
    chunk: Chunk, options: SideOptions, contents: ProjectContents
) -> Iterator[tuple[int, CorpusEntry]]:
    """The messages of a chunk with the numbers of their lines. Bad lines are counted.

    Each message has the time as of which it is translated.
    """
    for number, line in chunk.lines():
        where = f"{chunk.name}:{number}"
        try:
            entry = read_entry(line, where)
            if entry.session:
                raise BadLine("a session cannot be sent to a project; give its messages")
        except BadLine as bad:
            contents.count_bad_line((chunk.file, number), f"{where}: {bad}")
            continue
        now = entry.now or options.now or arrival(entry.message) or options.clock
        yield number, entry._replace(now=now)


def in_batches(
    judged: Iterable[tuple[int, CorpusEntry, datetime]], options: SideOptions
) -> Iterator[MessageBatch]:
    """Messages, each with its number and the project's clock, in batches."""
    for (settings, now, clock), group in groupby(
        judged, key=lambda each: (each[1].settings, each[1].now, each[2])
    ):
        assert now is not None
        found = list(group)
        for start in range(0, len(found), BATCH):
            some = found[start : start + BATCH]
            entries, numbers = [each[1] for each in some], [each[0] for each in some]
            yield MessageBatch(entries, numbers, settings or options.settings, now, clock)


def _take(
    answer: Json, number: int, settings: Json, contents: ProjectContents, batches: Batches
) -> None:
    operations = answer.get("operations") or ()
    _note_answer(answer, number, bool(operations), contents)
    for operation in operations:
        endpoint, sent = operation["endpoint"].rstrip("/"), operation["payload"]
        record, host = _for_project(sent), str(operation.get("host") or "")
        _note(endpoint, host, record, number, contents)
        _note_destination(host, sent, settings.get("token"), number, contents)
        query = {**(operation.get("query") or {})}
        # It names the project of a service account; ours has another id.
        query.pop("project_id", None)
        batches.add((endpoint, tuple(sorted(query.items()))), record, number)


def _note_answer(answer: Json, number: int, sends: bool, contents: ProjectContents) -> None:
    """Note that a message fails, or makes no operation."""
    error = answer.get("error")
    if error:
        contents.errors[number] = str(error.get("code"))
    elif not sends:
        codes = {str(skip.get("code")) for skip in answer.get("skipped") or ()}
        contents.silent[number] = tuple(sorted(codes))


def _note(endpoint: str, host: str, record: Any, number: int, contents: ProjectContents) -> None:
    """Note where a record goes, the counters in it and the person whose profile it updates."""
    contents.requests[endpoint, host] += 1
    if type(record) is not dict:
        return
    added = record.get("$add")
    if type(added) is dict:
        contents.counters.update(added)
    if endpoint == "/engage" and record.get("$distinct_id") is not None:
        contents.updated.setdefault(number, set()).add(str(record["$distinct_id"]))


def _for_project(record: Json) -> Json:
    """The record with the token of our project in place of its own."""
    properties = record.get("properties")
    # An event can lack its name; a profile update has no member `properties`.
    if type(properties) is dict and ("event" in record or "$token" not in record):
        return {**record, "properties": {**properties, "token": TOKEN}}
    return {**record, "$token": TOKEN}


def _note_destination(
    host: str, record: Any, token: Any, number: int, contents: ProjectContents
) -> None:
    """Note where a record of a message is sent. `host` is a URL or a region; empty: not known.

    `token` is that of the settings: a record with another one is for another project.
    """
    if not host:
        return
    name = region_or_host(host)
    sent = _token(record)
    if sent is not None and sent != token:
        name += ", another project"
    known = contents.destinations.get(number, ())
    if name not in known:
        contents.destinations[number] = tuple(sorted((*known, name)))


def _token(record: Any) -> Any:
    """The token in a record; None if it has none."""
    if type(record) is not dict:
        return None
    properties = record.get("properties")
    return record.get("$token") or (properties.get("token") if type(properties) is dict else None)


def region_or_host(host: str) -> str:
    """The region of one of Mixpanel's hosts, given as a URL or a name; else the host itself.

    Hosts of one region have the same data: `api-js.mixpanel.com` is another name for that of the US
    (docs/facts/mixpanel-http-api.md#hosts-routes-and-authentication).
    """
    name = host.lower().rpartition("//")[2].rstrip("/").removesuffix(":443")
    is_mixpanels = name == "mixpanel.com" or name.endswith(".mixpanel.com")
    return region_of(DEFAULT, name) if is_mixpanels else name
