"""Scenario files into `Scenario` records, or a `DataError` that names file, place and remedy."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from conformance.errors import DataError
from conformance.spec import sources
from conformance.spec.data import read, scenario_files
from conformance.spec.yaml_text import YamlTextError, parse_yaml
from translator.core.schema import schema_mistakes

Json = dict[str, Any]
"""A JSON object."""

DEFAULT_CLOCK = "2026-06-15T12:00:00Z"

DESCRIPTION = frozenset(
    ["id", "title", "why", "level", "source", "tags", "mode", "rules", "expect"]
)
"""The keys of a scenario that are not part of what goes in."""


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
    """One thing that happens: messages, the clock moves by `advance` seconds, a flush, or
    something done to a definition of Engage, such as `{resync: KEY}`.
    """

    messages: tuple[Any, ...] = ()
    advance: float = 0
    flush: bool = False
    reload: bool = False
    engage: Json | None = None


@dataclass(frozen=True)
class Expectation:
    """What must come of it. `state` holds only the sections that are compared.

    `requests`, and in device modes `calls` (a list for each message) and `start_up`, are None if
    they are not compared.
    """

    requests: list[Json] | None
    calls: list[list[Any]] | None
    start_up: list[Any] | None
    skipped: list[Json]
    errors: list[Json]
    undelivered: list[Json]
    state: Json
    settings_error: str | None


@dataclass(frozen=True)
class Scenario:
    """One behaviour as data. Fields as described in `scenario.schema.json`.

    `given` is all that goes in as the file has it, for reports.
    """

    id: str
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

    @property
    def sourced(self) -> bool:
        """Whether anything but ourselves is behind it."""
        return any(source != sources.UNSOURCED for source in self.source)


@cache
def load_scenarios() -> tuple[Scenario, ...]:
    """All scenarios of the package, in order of their ids. Raises DataError with every mistake."""
    loaded, mistakes = [], []
    for path, file in scenario_files():
        try:
            loaded.append(parse_scenario(file.read_text(encoding="utf-8"), path))
        except DataError as error:
            mistakes.append(str(error))
    if mistakes:
        raise DataError("\n".join(mistakes))
    return tuple(loaded)


def parse_scenario(text: str, path: str, *, own: bool = False) -> Scenario:
    """The scenario in a file's text; `path` is its place in the folder of scenarios.

    `own` are scenarios of somebody's own, whose sources may be anything.
    """
    try:
        data = parse_yaml(text)
    except YamlTextError as error:
        raise DataError(f"{path}: {error}") from error
    mistakes = list(schema_mistakes(_validator(), data, "the scenario", likeness=sources.LIKENESS))
    mistakes = mistakes or list(_other_mistakes(data, path, own))
    if mistakes:
        raise DataError("\n".join(f"{path}: {mistake}" for mistake in mistakes))
    return _scenario(data)


@cache
def _validator() -> Draft202012Validator:
    schema = json.loads(read("spec", "scenario.schema.json"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def _other_mistakes(data: Json, path: str, own: bool) -> Iterator[str]:
    if data["id"] != path.removesuffix(".yaml"):
        yield f"id: is {data['id']!r}, but the file is called {path!r}"
    for index, source in enumerate(data["source"]):
        problem = sources.problem(source, own=own)
        if problem:
            yield f"source[{index}]: {source!r}: {problem}"
    yield from _mode_mistakes(data)
    for index, step in enumerate(data["steps"]):
        if "engage" in step and "engage" not in data:
            yield f"steps[{index}].engage: the scenario has no 'engage' with definitions"
    if "engage" in data:
        return  # answers are counted by what Engage makes, not by the messages that it takes
    count = sum(len(step.get("messages", step.get("lines", ()))) for step in data["steps"])
    for section in ("skipped", "errors", "undelivered"):
        for index, item in enumerate(data["expect"].get(section, ())):
            if item["message"] >= count:
                yield f"expect.{section}[{index}]: there are only {count} messages, counted from 0"


def _mode_mistakes(data: Json) -> Iterator[str]:
    mode = data.get("mode", "cloud")
    needed, expect = "requests" if mode == "cloud" else "calls", data["expect"]
    if needed not in expect and "settings_error" not in expect:
        yield f"expect: {needed!r} is a required property in mode {mode}"
    count = sum(len(step.get("messages", step.get("lines", ()))) for step in data["steps"])
    if len(expect.get("calls", ())) not in (0, count):
        yield f"expect.calls: has {len(expect['calls'])} lists, one for each of {count} messages"
    for name, modes in _ONLY_IN.items():
        part = expect if name in ("calls", "start_up", "requests") else data
        if name in part and mode not in modes:
            yield f"{name}: is for mode {' or '.join(modes)}, not {mode}"


_ONLY_IN = {
    "calls": ("web", "ios", "android"),
    "start_up": ("web", "ios", "android"),
    "requests": ("cloud", "web"),
    "browser": ("web",),
    "engage": ("cloud",),
    "delivery": ("cloud",),
}
"""Part of a scenario, or of what it expects -> the modes in which it means something."""


def _scenario(data: Json) -> Scenario:
    folder = data["id"].partition("/")[0]
    mode, rules = data.get("mode", "cloud"), data.get("rules", "documented")
    expect = data["expect"]
    return Scenario(
        id=data["id"],
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
