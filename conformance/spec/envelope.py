"""The envelope: fields of a record that the profile `outcome` does not compare (envelope.yaml)."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import NamedTuple

from conformance.spec.data import read
from conformance.spec.unstated import unstated_page
from conformance.spec.yaml_text import parse_yaml

HEAD = """# The envelope

Fields that carry a record and say nothing about a person or an event. The profile `outcome` of
[the conformance suite](../how-to/targets.md) does not compare them, except in scenarios that are
about them. Endpoint (`/track` or `/import`), unit of time, order of keys and query are never part
of an outcome. Generated from `conformance/spec/envelope.yaml` by `mockpanel envelope`; a test keeps
it current.
"""

UNSTATED_HEAD = """
## Not stated by the documentation

In the profile `outcome` a failure is `must` if something differs that the documentation of the
destination states. Scenarios expect more than that. Where nothing else differs, these differences
make the failure `should`. Generated from `conformance/spec/unstated.yaml`.
"""


class EnvelopeField(NamedTuple):
    """A field, the kinds of record it is envelope of, and globs of scenarios about it."""

    field: str
    of: tuple[str, ...]
    why: str
    subject_of: tuple[str, ...]


@cache
def envelope() -> tuple[EnvelopeField, ...]:
    """The documented list."""
    return tuple(
        EnvelopeField(row["field"], tuple(row["of"]), row["why"], tuple(row["subject_of"]))
        for row in parse_yaml(read("spec", "envelope.yaml"))
    )


def ignored(kind: str, scenario_id: str) -> frozenset[str]:
    """The fields of a kind (`event` or `profile`) that this scenario does not judge."""
    return frozenset(
        row.field
        for row in envelope()
        if kind in row.of and not any(fnmatchcase(scenario_id, glob) for glob in row.subject_of)
    )


def page() -> str:
    """The list, and what the documentation does not state, as a page in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield HEAD
    yield "| field | of | why it is not compared | compared in |"
    yield "|---|---|---|---|"
    for row in envelope():
        subjects = ", ".join(f"`{glob}`" for glob in row.subject_of)
        yield f"| `{row.field}` | {', '.join(row.of)} | {row.why} | {subjects} |"
    yield UNSTATED_HEAD
    yield from unstated_page()
