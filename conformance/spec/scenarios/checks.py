"""Checks of a scenario file: by the schema, and by rules that a schema cannot state."""

import json
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from conformance.errors import DataError
from conformance.spec.citations import sources
from conformance.spec.data import read
from conformance.spec.yaml_text import YamlTextError, parse_yaml
from translator.core.operations import Json
from translator.core.schema import schema_mistakes

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator


def checked_values(text: str, path: str, *, own: bool = False) -> list[Json]:
    """The object of each scenario in a file's text: one, or one for each of its `variants`.

    `path` is the file's place in the folder of scenarios. In a user's own scenarios (`own`) a
    source may be any text. Raises DataError with every mistake.
    """
    try:
        data = parse_yaml(text)
    except YamlTextError as error:
        raise DataError(f"{path}: {error}") from error
    mistakes = list(schema_mistakes(_validator(), data, "the scenario", likeness=sources.LIKENESS))
    if not mistakes and "variants" in data:
        mistakes = list(_variant_mistakes(data, path, own))
    elif not mistakes:
        mistakes = [*_name_mistakes(data, path), *_other_mistakes(data, path, own)]
    if mistakes:
        raise DataError("\n".join(f"{path}: {mistake}" for mistake in mistakes))
    return _with_variants(data)


def _with_variants(data: Json) -> list[Json]:
    """One object for each scenario: the keys of a variant replace those that all variants share."""
    if "variants" not in data:
        return [data]
    shared = {key: value for key, value in data.items() if key != "variants"}
    return [shared | variant for variant in data["variants"]]


@cache
def _validator() -> "Draft202012Validator":
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(read("spec", "scenario.schema.json")))


def _variant_mistakes(data: Json, path: str, own: bool) -> Iterator[str]:
    if "id" in data:
        yield "id: stands in each variant, not beside 'variants'"
    for index, variant in enumerate(_with_variants(data)):
        found = list(
            schema_mistakes(_validator(), variant, "the variant", likeness=sources.LIKENESS)
        )
        for mistake in found or _other_mistakes(variant, path, own):
            yield f"variants[{index}] ({variant['id']}): {mistake}"


def _name_mistakes(data: Json, path: str) -> Iterator[str]:
    """The only scenario of a file has the file's name in its id; mode and rules may follow."""
    name = path.rpartition("/")[2].removesuffix(".yaml")
    if name not in data["id"].partition("/")[2]:
        yield f"id: is {data['id']!r}, but the file is called {path!r}"


def _other_mistakes(data: Json, path: str, own: bool) -> Iterator[str]:
    if data["id"].partition("/")[0] != path.partition("/")[0]:
        yield f"id: {data['id']!r} does not begin with the folder of the file {path!r}"
    for index, source in enumerate(data["source"]):
        problem = sources.problem(source, own=own)
        if problem:
            yield f"source[{index}]: {source!r}: {problem}"
    yield from _mode_mistakes(data)
    for index, step in enumerate(data["steps"]):
        if "engage" in step and "engage" not in data:
            yield f"steps[{index}].engage: the scenario has no 'engage' with definitions"
    if "engage" in data:
        return  # answers are counted by the calls of Engage, not by its input messages
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
"""Key of a scenario, or of its `expect` -> the modes in which it applies."""
