"""The decisions of this project, as one list with the scenarios that test each."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from conformance.spec.data import read
from conformance.spec.yaml_text import parse_yaml

SOURCE = "decision:"
"""The prefix of a citation of a decision, followed by its slug."""


class Decision(NamedTuple):
    """A question on which the sources contradict each other or say nothing, and our choice.

    `tests` pin a choice that scenarios cannot show, such as one about the gateway: each is the path
    of a file of tests and the name of a test in it, joined by `::`.
    """

    slug: str
    question: str
    choice: str
    why: str
    tests: Sequence[str] = ()


@cache
def decisions() -> dict[str, Decision]:
    """All decisions by slug, in the order of `decisions.yaml`."""
    return {row["slug"]: Decision(**row) for row in parse_yaml(read("spec", "decisions.yaml"))}


def pinned_by(citations: Iterable[tuple[str, Iterable[str]]]) -> dict[str, list[str]]:
    """Slug -> ids of the scenarios that cite it, from pairs of scenario id and sources."""
    pins: dict[str, list[str]] = {slug: [] for slug in decisions()}
    for scenario_id, sources in citations:
        for source in sources:
            if source.startswith(SOURCE):
                pins[source.removeprefix(SOURCE)].append(scenario_id)
    return pins


def page(citations: Iterable[tuple[str, Iterable[str]]]) -> str:
    """The list as Markdown."""
    pins = pinned_by(citations)
    text = (
        "# Decisions\n\nWhere the sources contradict each other or say nothing, the choice is "
        "ours. Generated from `conformance/spec/decisions.yaml` by "
        "`mockpanel decisions`; a "
        "test keeps it current. Differences between the public doc and the classic integration "
        "are the rules in [the reference](translator.md).\n"
    )
    for decision in decisions().values():
        found, kind = (
            (decision.tests, "Tests") if decision.tests else (pins[decision.slug], "Scenarios")
        )
        pinned = ", ".join(f"`{each}`" for each in found) or "none"
        text += (
            f"\n## {decision.slug}\n\n{decision.question}\n\n"
            f"**{decision.choice}** {decision.why}\n\n{kind}: {pinned}\n"
        )
    return text
