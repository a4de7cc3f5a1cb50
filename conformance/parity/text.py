"""The result of a run as text for a terminal."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from conformance.parity.access import ProjectAccess
from conformance.parity.result import STATUSES, ProbeResult, choice_statuses, counts
from translator.terminal_text import printable

SHOWN_CHARACTERS = 100
"""Characters of a value that the table shows; the file has all of it."""


def text(results: Sequence[ProbeResult], access: ProjectAccess) -> str:
    """The table of the probes, the choices, and the counts as the last line."""
    shown = "\n".join(printable(line) for line in _lines(results, access))
    return shown.encode(errors="backslashreplace").decode()


def _lines(results: Sequence[ProbeResult], access: ProjectAccess) -> Iterator[str]:
    width = max((len(each.probe.id) for each in results), default=0)
    for each in results:
        yield f"{each.status:9}  {each.probe.id:{width}}  {each.probe.about}"
        if each.reason:
            yield f"           {access.redacted(each.reason)}"
        for difference in each.comparison.differences if each.comparison else ():
            yield f"           {access.redacted(difference.path)}"
            yield f"             mock:  {_shown(access.redacted(difference.mock))}"
            yield f"             other: {_shown(access.redacted(difference.other))}"
    choices = choice_statuses(results)
    if choices:
        yield ""
        yield "Choices of docs/reference/mock.md:"
    for status in ("confirmed", "refuted", "not tried"):
        for choice, found in choices.items():
            if found["status"] == status:
                yield f"{status:9}  {choice}"
    yield ""
    found_counts = counts(results)
    yield ", ".join(f"{found_counts[status]} {status}" for status in STATUSES)


def _shown(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return shown if len(shown) <= SHOWN_CHARACTERS else f"{shown[:SHOWN_CHARACTERS]}..."
