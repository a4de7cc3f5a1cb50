"""A gateway as a process in front of a project of the mock."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from tests.clients.mixpanel import Project
from translator.cloud.insert_id import insert_id

GATEWAY = [sys.executable, "-m", "translator", "gateway", "--port", "0"]

SETTINGS = {
    "people": True,
    "trackNamedPages": True,
    "groupIdentifierTraits": ["company"],
    "eventIncrements": ["Order Completed"],
}

ANN = {
    "id": "ann",
    "$name": "Ann Lee",
    "$first_name": "Ann",
    "$last_name": "Lee",
    "plan": "pro",
    "Order Completed": 1,
}
"""The profile that the calls of each SDK's test make, less the time of the order."""

LATENESS_SECONDS = 60
"""How long a call may be under way; a gateway takes the way from its time (Segment's `sentAt`)."""


@contextmanager
def gateway(project: Project, folder: Path) -> Iterator[str]:
    """The base URL of a gateway that delivers to the project, until the block ends."""
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"token": project.token, **SETTINGS}))
    process = subprocess.Popen(
        [*GATEWAY, "--settings", str(settings), "--base-url", project.url],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield "http" + line.partition("http")[2].split()[0].rstrip("/")
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 0


def settled(
    events: list[dict[str, Any]], calls: dict[str, tuple[str, int]]
) -> list[dict[str, Any]]:
    """Exported events by name, less time and insert id, which must be those of their calls.

    `calls` has the message id and the time, in milliseconds since 1970, of each event's call. An
    alias has neither, and stands with its two ids alone.
    """
    found = []
    for event in events:
        properties = dict(event["properties"])
        if event["event"] == "$create_alias":
            properties = {name: properties[name] for name in ("distinct_id", "alias")}
        else:
            message_id, time_ms = calls[event["event"]]
            assert is_of(properties.pop("time"), time_ms)
            assert insert_id(message_id, "", event["event"]) == properties.pop("$insert_id")
        found.append({"event": event["event"], **properties})
    return sorted(found, key=itemgetter("event"))


def is_of(time_ms: int, called_ms: int) -> bool:
    """Whether a time, in whole seconds, can be that of a call."""
    return 0 <= time_ms - called_ms // 1000 * 1000 <= LATENESS_SECONDS * 1000


def counted(profile: dict[str, Any], event: str, called_ms: int) -> dict[str, Any]:
    """A profile less the time of the last event of a name, which must be that of its call."""
    last = datetime.fromisoformat(profile[f"Last {event}"]).replace(tzinfo=UTC)
    assert is_of(int(last.timestamp()) * 1000, called_ms)
    return {name: value for name, value in profile.items() if name != f"Last {event}"}
