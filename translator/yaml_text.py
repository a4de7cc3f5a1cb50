"""YAML in which text stays text, unless it is JSON's true, false or null, or a number.

YAML 1.1 reads `2026-06-15T12:00:00Z` as a datetime, `12:34` as 754 and `no` as false. Tests of
timestamps need the text. A key that occurs twice is an error.
"""

import re
from collections.abc import Hashable
from contextlib import suppress
from typing import Any

import yaml


class YamlTextError(ValueError):
    """The text is not valid YAML or not in the accepted form. It names line and column."""


class _JsonScalars:
    """A mixin for PyYAML's safe loaders: JSON's scalars only, and no key twice."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.tag != "tag:yaml.org,2002:str":
                raise _Refused(key, f"the key {key.value!r} is not text; put it in quotes")
            if key.value in seen:
                raise _Refused(key, f"the key {key.value!r} appears twice")
            seen.add(key.value)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep)  # type: ignore[misc]
        return found


class _Loader(_JsonScalars, yaml.SafeLoader):
    """PyYAML's own parser: every error comes from it."""


class _FastLoader(_JsonScalars, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """libyaml's parser, five times faster, where PyYAML was built with it."""


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
    for _loader in (_Loader, _FastLoader):
        _loader.add_implicit_resolver(
            f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$", re.ASCII), list(_first)
        )


def parse_yaml(text: str) -> Any:
    """The value of a YAML text: objects, lists, text, numbers, booleans and null only."""
    with suppress(yaml.YAMLError, RecursionError):
        # PyYAML's parser decides about text that libyaml refuses, such as a lone surrogate.
        return yaml.load(text, _FastLoader)  # noqa: S506 - a subclass of SafeLoader
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        what = "" if isinstance(error, _Refused) else "not valid YAML: "
        problem = error.problem or error.context or ""
        if problem.startswith("expected '<document start>'"):
            problem = "a second value begins here, and a file has one"
        raise YamlTextError(f"{where}{what}{problem}") from error
    except yaml.YAMLError as error:
        raise YamlTextError(str(error)) from error
    except RecursionError as error:
        raise YamlTextError("lists and objects are nested too deeply") from error
