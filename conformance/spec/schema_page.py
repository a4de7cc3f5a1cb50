"""The form of a scenario as Markdown, from its schema."""

import json
from collections.abc import Iterator
from typing import Any

from conformance.spec.data import read

SCHEMA = "scenario.schema.json"


def page() -> str:
    """Every member of a scenario file, with what may stand there."""
    schema = json.loads(read("spec", SCHEMA))
    text = (
        "# The form of a scenario\n\nGenerated from `conformance/spec/scenario.schema.json` by "
        "`python -m conformance schema`; a test keeps it current. "
        "[Architecture](../architecture.md) shows a whole scenario.\n\n"
        "| member | needed | what may stand there | what it is |\n|---|---|---|---|\n"
    )
    needed_keys = schema["else"]["required"]
    for path, needed, member in _members(schema | {"required": needed_keys}, ""):
        cells = (f"`{path}`", "yes" if needed else "", _kind(member), member.get("description", ""))
        text += "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
    return text


def _members(schema: Any, prefix: str) -> Iterator[tuple[str, bool, Any]]:
    needed = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        yield prefix + name, name in needed, member
        items = member.get("items", {})
        yield from _members(member, f"{prefix}{name}.")
        for inner in (items, *items.get("oneOf", ()), *items.get("anyOf", ())):
            yield from _members(inner, f"{prefix}{name}[].")


def _kind(member: Any) -> str:
    if "enum" in member:
        return ", ".join(f"`{value}`" for value in member["enum"])
    if "const" in member:
        return f"`{json.dumps(member['const'])}`"
    kinds = member.get("type", "")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
