"""The OpenAPI description of the mock (`openapi.yaml`), and the reference page made from it.

The file is the one place where parameters and shapes of the HTTP interface are written down. Tests
hold it against the routes, and the routes against it.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

FILE = files("mock_mixpanel.control") / "openapi.yaml"
METHODS = ("get", "post", "put", "patch", "delete")

GUARDED = ("Reading", "App", "Mock")
"""The tags of the operations that answer 403 to pages of other origins and untrusted Host names."""
FORBIDDEN = {"$ref": "#/components/responses/Forbidden"}

Json = Mapping[str, Any]


@cache
def document() -> Json:
    """The description, OpenAPI 3.1. The object is shared; do not change it.

    The response 403 is added here to all guarded operations.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(FILE.read_text(encoding="utf-8"), loader)  # noqa: S506 - a safe loader
    for item in found["paths"].values():
        for method in METHODS:
            if method in item and item[method]["tags"][0] in GUARDED:
                responses = item[method]["responses"]
                item[method]["responses"] = {**responses, "403": FORBIDDEN}
    return found


@cache
def query_names(method: str, rule: str) -> tuple[str, ...] | None:
    """The names of an operation's query; None for a route that is not described.

    `rule` is the route as Flask writes it, such as `/_mock/requests/<int:number>`.
    """
    path = re.sub(r"<(?:[^<>:]+:)?([a-z_]+)>", r"{\1}", rule)
    for each, described, operation in operations():
        if (each, described) == (method, path):
            resolved = map(_resolved, operation["parameters"])
            return tuple(one["name"] for one in resolved if one["in"] == "query")
    return None


def operations() -> Iterator[tuple[str, str, Json]]:
    """Method, path and description of each operation, with the shared parameters of its path."""
    for path, item in document()["paths"].items():
        for method in METHODS:
            if method in item:
                shared = [*item.get("parameters", []), *item[method].get("parameters", [])]
                yield method.upper(), path, {**item[method], "parameters": shared}


def page() -> str:
    """The description as Markdown."""
    info = document()["info"]
    lines = ["# HTTP API", "", "<!-- Made by `python -m mock_mixpanel api`. -->", ""]
    lines += [info["description"], ""]
    lines += ["A running mock serves this as OpenAPI under `/_mock/openapi.json`.", ""]
    for tag in document()["tags"]:
        lines += [f"## {tag['name']}", "", tag["description"], ""]
        for method, path, operation in operations():
            if tag["name"] in operation["tags"]:
                lines += _operation(method, path, operation)
    lines += ["## Objects", ""]
    for name, schema in document()["components"]["schemas"].items():
        members = list(_members(schema))
        if members:
            lines += [f"### {name}", "", *_table(("member", "type", "what"), members), ""]
    return "\n".join(lines).rstrip() + "\n"


def _operation(method: str, path: str, operation: Json) -> Iterator[str]:
    yield from (f"### {method} {path}", "", f"{operation['summary']}.", "")
    if operation.get("description"):
        yield from (operation["description"], "")
    parameters = [_resolved(each) for each in operation["parameters"]]
    if parameters:
        rows = [
            (
                f"`{each['name']}`" + (", required" if each.get("required") else ""),
                each["in"],
                _type(each["schema"]),
                each.get("description", ""),
            )
            for each in parameters
        ]
        yield from (*_table(("parameter", "in", "type", "what"), rows), "")
    if "requestBody" in operation:
        content = _resolved(operation["requestBody"])["content"]
        yield from (*_table(("body", "type"), list(_contents(content))), "")
    yield from (*_table(("answer", "what", "content"), list(_answers(operation))), "")


def _contents(content: Json) -> Iterator[tuple[str, str]]:
    for media, holder in content.items():
        yield f"`{media}`", _type(holder["schema"])


def _answers(operation: Json) -> Iterator[tuple[str, str, str]]:
    for status, answer in operation["responses"].items():
        if answer == FORBIDDEN:
            continue  # the introduction of the page describes it
        resolved = _resolved(answer)
        shown = [f"{media}: {kind}" for media, kind in _contents(resolved.get("content", {}))]
        yield status, resolved["description"], "; ".join(shown)


def _members(schema: Json) -> Iterator[tuple[str, str, str]]:
    for part in schema.get("allOf", [schema]):
        if "$ref" in part:
            yield "", _type(part), "all of its members"
        for name, member in part.get("properties", {}).items():
            required = ", required" if name in part.get("required", ()) else ""
            what = member.get("description", "")
            yield f"`{name}`{required}", _type(member), what


def _type(schema: Json) -> str:
    """A short text for a schema; a named schema is a link."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if list(_members(_resolved(schema))) else name
    for key in ("oneOf", "allOf"):
        if key in schema:
            word = " or " if key == "oneOf" else " and "
            return word.join(_type(each) for each in schema[key])
    if "const" in schema or "enum" in schema:
        values = schema["enum"] if "enum" in schema else [schema["const"]]
        return " or ".join(f"`{'null' if each is None else each}`" for each in values)
    kinds = schema.get("type", "anything")
    if kinds == "array" and "items" in schema:
        return f"list of: {_type(schema['items'])}"
    if kinds == "object" and schema.get("properties"):
        inner = ", ".join(f"`{name}`: {_type(each)}" for name, each in schema["properties"].items())
        return f"{{{inner}}}"
    return " or ".join([kinds] if isinstance(kinds, str) else kinds)


def _resolved(part: Json) -> Json:
    """Resolve references."""
    while "$ref" in part:
        found: Any = document()
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def _table(head: tuple[str, ...], rows: list[Any]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        cells = (" ".join(cell.split()).replace("|", "\\|") for cell in row)
        yield f"| {' | '.join(cells)} |"
