"""Loads scenario files as `Scenario` records. A `DataError` names file, place and remedy."""

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from conformance.errors import DataError
from conformance.spec.citations.facts import fact_pages
from conformance.spec.data import data_files, scenario_files
from conformance.spec.scenarios import parse_cache
from conformance.spec.scenarios.checks import checked_values
from translator import yaml_text
from translator.core import schema

Json = dict[str, Any]
"""A JSON object."""

DEFAULT_CLOCK = "2026-06-15T12:00:00Z"

DESCRIPTION = frozenset(
    ["id", "title", "why", "level", "source", "tags", "mode", "rules", "expect"]
)
"""The keys of a scenario that are not part of its input."""


@dataclass(frozen=True)
class RawLine:
    """A message given as text, which may not be JSON."""

    text: str


@dataclass(frozen=True)
class Engagement:
    """Engage takes the messages: its definitions, and the types of messages that pass as well."""

    definitions: Json
    forward: frozenset[str]


@dataclass(frozen=True)
class Step:
    """One step: messages, an advance of the clock by `advance` seconds, a flush, or an action on a
    definition of Engage, such as `{resync: KEY}`.
    """

    messages: tuple[Any, ...] = ()
    advance: float = 0
    flush: bool = False
    reload: bool = False
    engage: Json | None = None


@dataclass(frozen=True)
class Expectation:
    """The expected result. `state` holds only the sections that are compared.

    `requests`, and in device modes `calls` (a list for each message) and `start_up`, are None if
    they are not compared. `absent` maps `events`, `profiles` and `groups` to properties that must
    not be there, for targets that are judged by what Mixpanel then holds.
    """

    requests: list[Json] | None
    calls: list[list[Any]] | None
    start_up: list[Any] | None
    skipped: list[Json]
    errors: list[Json]
    undelivered: list[Json]
    state: Json
    settings_error: str | None
    absent: Json


@dataclass(frozen=True)
class Scenario:
    """One behaviour as data. Fields as described in `scenario.schema.json`.

    `file` is the path of its file in the folder of scenarios. `given` holds the scenario's input
    as the file states it, for reports.
    """

    id: str
    file: str
    title: str
    why: str
    level: str
    source: tuple[str, ...]
    tags: frozenset[str]
    mode: str
    rules: str
    settings: Json
    project: Json
    delivery: Json
    faults: list[Json]
    clock: str
    browser: Json
    engage: Engagement | None
    steps: tuple[Step, ...]
    expect: Expectation
    given: Json


def levelled(scenario: Scenario) -> Scenario:
    """The scenario with the level that it has for another translator than ours.

    Only the doc says what such a translator must do; what facts, captures and decisions say is
    `should`.
    """
    if scenario.level != "must" or any(each.startswith("doc#") for each in scenario.source):
        return scenario
    tags = scenario.tags - {"must"} | {"should"}
    return dataclasses.replace(scenario, level="should", tags=tags)


@cache
def load_scenarios() -> tuple[Scenario, ...]:
    """All scenarios of the package, in order of their ids. Raises DataError with every mistake."""
    texts = {path: file.read_bytes() for path, file in scenario_files()}
    key = parse_cache.digest([*map(str.encode, texts), *texts.values(), *deciding_texts()])
    checked: dict[str, list[Json]] | None = parse_cache.load("scenarios", key)
    if checked is None:
        checked = {}
        scenarios = collect(
            (path, partial(_parse_packaged, path, text.decode(), checked))
            for path, text in texts.items()
        )
        parse_cache.store("scenarios", key, checked)
        return scenarios
    return tuple(
        sorted(
            (_scenario(each, path) for path, found in checked.items() for each in found),
            key=lambda scenario: scenario.id,
        )
    )


def _parse_packaged(path: str, text: str, checked: dict[str, list[Json]]) -> tuple[Scenario, ...]:
    checked[path] = checked_values(text, path)
    return tuple(_scenario(each, path) for each in checked[path])


def deciding_texts() -> Iterator[bytes]:
    """The texts on which reading and checking a scenario file depends."""
    for folder in ("spec", "captures"):
        for _, file in data_files(folder):
            yield file.read_bytes()
    for page in fact_pages().values():
        yield page.encode()
    for module in (yaml_text, schema):
        yield inspect.getsource(module).encode()


def collect(
    files: Iterable[tuple[str, Callable[[], tuple[Scenario, ...]]]],
) -> tuple[Scenario, ...]:
    """The scenarios of all files, in order of their ids.

    `files` are pairs of a path and a function that reads the file. Raises one DataError with the
    mistakes of all files; an id that two scenarios share is a mistake.
    """
    found: dict[str, Scenario] = {}
    mistakes = []
    for path, read_file in files:
        try:
            scenarios = read_file()
        except DataError as error:
            mistakes.append(str(error))
            continue
        for scenario in scenarios:
            if scenario.id in found:
                other = found[scenario.id].file
                mistakes.append(f"{path}: id: {scenario.id!r} is also the id of one in {other}")
            found[scenario.id] = scenario
    if mistakes:
        raise DataError("\n".join(mistakes))
    return tuple(found[each] for each in sorted(found))


def parse_scenarios(text: str, path: str, *, own: bool = False) -> tuple[Scenario, ...]:
    """The scenarios in a file's text: one, or one for each of its `variants`.

    Parameters and errors are those of `checked_values`.
    """
    return tuple(_scenario(each, path) for each in checked_values(text, path, own=own))


def _scenario(data: Json, path: str) -> Scenario:
    folder = data["id"].partition("/")[0]
    mode, rules = data.get("mode", "cloud"), data.get("rules", "documented")
    expect = data["expect"]
    return Scenario(
        id=data["id"],
        file=path,
        title=data["title"],
        why=data.get("why", ""),
        level=data["level"],
        source=tuple(data["source"]),
        tags=frozenset([folder, data["level"], mode, rules, *data.get("tags", ())]),
        mode=mode,
        rules=rules,
        settings=data["settings"],
        project=data.get("project", {}),
        delivery=data.get("delivery", {}),
        faults=data.get("faults", []),
        clock=data.get("clock", DEFAULT_CLOCK),
        browser=data.get("browser", {}),
        engage=_engagement(data["engage"]) if "engage" in data else None,
        steps=tuple(_step(step) for step in data["steps"]),
        expect=Expectation(
            requests=_requests(expect, "1" if mode == "web" else "0"),
            calls=expect.get("calls", [] if mode != "cloud" else None),
            start_up=expect.get("start_up"),
            skipped=expect.get("skipped", []),
            errors=expect.get("errors", []),
            undelivered=expect.get("undelivered", []),
            state=expect.get("state", {}),
            settings_error=expect.get("settings_error"),
            absent=expect.get("absent", {}),
        ),
        given={"clock": DEFAULT_CLOCK}
        | {key: value for key, value in data.items() if key not in DESCRIPTION},
    )


def _requests(expect: Json, ip: str) -> list[Json] | None:
    if "requests" not in expect:
        return [] if "settings_error" in expect else None
    return [
        {"endpoint": request["endpoint"], "region": "us", "ip": ip, **request}
        for request in expect["requests"]
    ]


def _engagement(data: Json) -> Engagement:
    return Engagement(data["definitions"], frozenset(data.get("forward", ())))


def _step(step: Json) -> Step:
    lines = tuple(RawLine(text) for text in step.get("lines", ()))
    return Step(
        messages=lines or tuple(step.get("messages", ())),
        advance=step.get("advance", 0),
        flush=step.get("flush", False),
        reload=step.get("reload", False),
        engage=step.get("engage"),
    )
