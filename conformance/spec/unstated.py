"""A table of details that the destination's documentation does not state (unstated.yaml).

Most scenarios expect more than the sentence of the documentation that they are about. In the
profile `outcome`, a failure is `must` only if the documentation states something that differs.
"""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, NamedTuple

from conformance.spec.data import read
from conformance.spec.globs import glob_matches
from conformance.spec.yaml_text import parse_yaml


class Unstated(NamedTuple):
    """One row: differences that contradict no sentence of the documentation.

    `operation` and `paths` are those of a class of differences and may hold `*` and `?`. `kind` is
    missing, unexpected or changed; none means each of them. `scenarios` are globs of ids; none
    means every scenario. `unless_given` are members of messages, such as `traits.email`: where a
    message has one of them, the documentation does state it.
    """

    operation: str
    paths: tuple[str, ...]
    kind: str | None
    scenarios: tuple[str, ...]
    unless_given: tuple[str, ...]
    why: str

    def covers(
        self, scenario_id: str, kind: str, operation: str, path: str, messages: Sequence[Any]
    ) -> bool:
        """Whether a difference of a scenario is of this row; `messages` can have caused it."""
        globs = self.scenarios or ("*",)
        return (
            self.kind in (None, kind)
            and glob_matches(self.operation, operation)
            and any(glob_matches(each, path) for each in self.paths)
            and any(fnmatchcase(scenario_id, each) for each in globs)
            and not any(_has(message, each) for each in self.unless_given for message in messages)
        )


@cache
def unstated() -> tuple[Unstated, ...]:
    """The documented list."""
    return tuple(
        Unstated(
            row["operation"],
            _texts(row["path"]),
            row.get("class"),
            tuple(row.get("scenarios", ())),
            tuple(row.get("unless_given", ())),
            row["why"],
        )
        for row in parse_yaml(read("spec", "unstated.yaml"))
    )


def unstated_page() -> Iterator[str]:
    """The list as lines of a page in Markdown."""
    yield "| what differs | in | unless a message has | why it is no demand |"
    yield "|---|---|---|---|"
    for row in unstated():
        paths = [f"`{each}`" for each in row.paths if each != "*"]
        what = "everything" if row.operation == "*" else f"{row.operation} {', '.join(paths)}"
        what = what.strip()
        what += f", {row.kind}" if row.kind else ""
        scenarios = ", ".join(f"`{each}`" for each in row.scenarios)
        given = ", ".join(f"`{each}`" for each in row.unless_given)
        yield f"| {what} | {scenarios} | {given} | {row.why} |"


def _texts(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _has(message: Any, path: str) -> bool:
    value = message
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True
