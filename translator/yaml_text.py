"""YAML as people expect it: text stays text unless it is JSON's true, false, null or a number.

YAML 1.1 turns a bare `2026-06-15T12:00:00Z` into a datetime, `12:34` into 754 and `no` into false;
a test of timestamps cannot live with that. A key that is given twice is an error, not a choice.
"""

import re
from collections.abc import Hashable
from typing import Any

import yaml


class YamlTextError(ValueError):
    """The text is not YAML, or not what this project takes for it; names line and column."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with JSON's scalars."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.tag != "tag:yaml.org,2002:str":
                raise _Refused(key, f"the key {key.value!r} is not text; put it in quotes")
            if key.value in seen:
                raise _Refused(key, f"the key {key.value!r} is there twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Refused(yaml.MarkedYAMLError):
    def __init__(self, node: yaml.Node, problem: str) -> None:
        super().__init__(problem=problem, problem_mark=node.start_mark)


_SCALARS = {
    "bool": (r"true|false", "tf"),
    "null": (r"null|~|", ["n", "~", ""]),
    "int": (r"-?(?:0|[1-9]\d*)", "-0123456789"),
    "float": (r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?", "-0123456789"),
    "merge": (r"<<", "<"),
}
for _name, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$", re.ASCII), list(_first)
    )


def parse_yaml(text: str) -> Any:
    """The value of a YAML text: objects, lists, text, numbers, booleans and null only."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise YamlTextError(f"{where}{error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise YamlTextError(str(error)) from error
