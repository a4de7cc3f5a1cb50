"""Events for the tests of tools that import in bulk."""

from typing import Any

from tests.clients.mixpanel import sent

START = 1_500_000_000
"""2017-07-14."""


def events(count: int) -> list[dict[str, Any]]:
    """Events as the tool takes them."""
    return [
        {
            "event": "Played",
            "properties": {
                "time": START + number,
                "distinct_id": f"u-{number % 9}",
                "$insert_id": f"e-{number}",
                "number": number,
                "song": "Größe & Söhne",
            },
        }
        for number in range(count)
    ]


def imported(event: dict[str, Any], unit: int = 1) -> dict[str, Any]:
    """An imported event as the export shows it."""
    properties = event["properties"] | {"$import": True}
    return sent("Played", properties.pop("time") * unit, **properties)
