"""The options of one side of a migration, and the resulting contents of its project."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from conformance.regression.differences.groups import Position
from conformance.regression.json_text import printable
from conformance.spec.scenarios.loading import Json

MAX_BAD_LINES = 5
"""Bad lines that are shown; the others are counted."""


IDENTITY_EVENTS = frozenset(["$create_alias", "$identify", "$merge"])
"""Events that ask Mixpanel to join two ids."""


@dataclass(frozen=True)
class SideOptions:
    """The options for translating and sending a side. `now` and `clock` are those of a `DiffJob`.

    `project` has the options of the project in the mock.
    """

    settings: Json
    now: datetime | None
    clock: datetime
    project: Json


class IdentityLink(NamedTuple):
    """A record that asks Mixpanel to join two ids, and the result.

    `event` is the identity event, or the properties that join. `refusal` says why the ids are not
    joined; it is empty if they are.
    """

    event: str
    refusal: str


@dataclass
class ProjectContents:
    """The contents of a project after all operations were sent, and the reports of the translator.

    Messages have numbers in the order of the corpus. `events` are texts of JSON: name, second, and
    properties.
    """

    messages: int = 0
    bad_lines: int = 0
    first_bad_lines: list[tuple[Position, str]] = field(default_factory=list)
    places: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    """Message -> its place in the corpus, and its id."""
    errors: dict[int, str] = field(default_factory=dict)
    silent: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Messages that make no operation and do not fail, with their skip codes."""
    events: dict[int, list[tuple[bytes, str]]] = field(default_factory=dict)
    """Message -> its events, each with the person who has it in the end."""
    updated: dict[int, set[str]] = field(default_factory=dict)
    """Message -> the people whose profiles it updates."""
    profiles: dict[str, Json] = field(default_factory=dict)
    groups: dict[tuple[str, str], Json] = field(default_factory=dict)
    """Group key and group id -> properties."""
    counters: set[str] = field(default_factory=set)
    refused: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """Endpoint and reason -> the messages of the refused records."""
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Endpoint and host -> records."""
    people: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Person -> all ids, for people with several."""
    links: dict[tuple[str, str], IdentityLink] = field(default_factory=dict)
    """Two ids in order -> what asked to join them, and with what result."""
    destinations: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Message -> where its records are sent: regions or hosts, and whether to another project."""
    earliest: datetime | None = None
    latest: datetime | None = None

    def count_bad_line(self, position: Position, text: str) -> None:
        """Count a line that is not a message. Lines are counted in order."""
        self.bad_lines += 1
        if len(self.first_bad_lines) < MAX_BAD_LINES:
            self.first_bad_lines.append((position, printable(text[:600])))

    def count_moment(self, moment: datetime) -> None:
        """Record a time as of which messages are translated."""
        self.earliest = min(self.earliest or moment, moment)
        self.latest = max(self.latest or moment, moment)
