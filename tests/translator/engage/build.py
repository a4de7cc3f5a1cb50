"""Engages and messages for tests."""

from typing import Any

from translator.engage import Engage, definitions_from_json

T0 = 1_781_524_800_000
"""2026-06-15T12:00:00Z in milliseconds since 1970, a full hour."""
HOUR = 3_600_000
DAY = 24 * HOUR

Json = dict[str, Any]


def audience(*users_who: Json, name: str = "A", **options: Any) -> Engage:
    """An Engage with one audience."""
    item = {"name": name, "users_who": list(users_who), **options}
    return Engage(definitions_from_json({"audiences": [item]}))


def trait(computation: str = "event_counter", name: str = "A", **options: Any) -> Engage:
    """An Engage with one computed trait, of the event `X` and, if it aggregates, of `n`."""
    item = {"name": name, "computation": computation, "event": "X", **options}
    if computation != "event_counter":
        item.setdefault("property", "n")
    return Engage(definitions_from_json({"computed_traits": [item]}))


def track(event: str = "X", at: int = T0, user: Any = "u", **fields: Any) -> Json:
    """A track call at a time in milliseconds."""
    return {"type": "track", "event": event, "userId": user, "timestamp": at, **fields}


def said(messages: list[Json]) -> list[Any]:
    """What messages say: the values of traits, the names of events."""
    return [
        message["event"] if message["type"] == "track" else next(iter(message["traits"].values()))
        for message in messages
    ]
