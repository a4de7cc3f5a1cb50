"""The keys of a scenario as a page of Markdown, from the schema."""

import json
from collections.abc import Iterator
from typing import Any

from conformance.spec.data import read

SCHEMA, EXAMPLE = "scenario.schema.json", "example.yaml"

_INTRODUCTION = """# Keys of a scenario

Generated from `conformance/spec/scenario.schema.json` by `mockpanel schema`; a test keeps the page
current.

A scenario is one behaviour: what goes into a translator, and exactly what Mixpanel then receives.
[Keep scenarios of your own](../how-to/own-scenarios.md) shows how to run yours. Whatever
`expect` lists is compared exactly, and what it does not list must not happen. An example with most
keys:
"""

_TABLE = """
One file can hold several scenarios: one behaviour under both rule sets, or in several modes. The
keys that differ stand under `variants`, side by side. The keys beside `variants` hold for all:

```yaml
level: must
settings: {token: T}
steps:
  - messages:
      - {type: alias, messageId: m1, previousId: anon-1, timestamp: 2026-06-15T12:00:00Z}
variants:
  - id: alias/no-user-id
    rules: documented
    title: An alias call without a user id is an error
    source: [doc#alias]
    expect: {requests: [], errors: [{message: 0, code: missing_id}]}
  - id: alias/no-user-id-observed
    rules: observed
    title: The classic integration sent an alias without its user id
    source: [docs/facts/cloud-classic.md#alias]
    expect:
      requests:
        - endpoint: /track
          record: {event: $create_alias, properties: {distinct_id: anon-1, token: T}}
```

| key | required | type or values | meaning |
|---|---|---|---|
"""


def page() -> str:
    """The page: an example, then every key with its type and meaning."""
    schema = json.loads(read("spec", SCHEMA))
    text = f"{_INTRODUCTION}\n```yaml\n{read('spec', EXAMPLE)}```\n{_TABLE}"
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
    default = f"; default `{member['default']}`" if "default" in member else ""
    return _values(member) + default


def _values(member: Any) -> str:
    if "enum" in member:
        return ", ".join(f"`{value}`" for value in member["enum"])
    if "const" in member:
        return f"`{json.dumps(member['const'])}`"
    kinds = member.get("type", "")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
