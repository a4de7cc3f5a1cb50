"""Engage, the translator, the sender and the mock in one line."""

from typing import Any

from mock_mixpanel.client import MockMixpanel
from tests.translator.engage.build import DAY, HOUR, T0, track
from translator import Settings, translate
from translator.core.values.timestamps import iso_milliseconds
from translator.engage import Engage, definitions_from_json
from translator.sender import Sender

DEFINITIONS = {
    "computed_traits": [{"name": "Total", "computation": "sum", "event": "X", "property": "n"}],
    "audiences": [
        {
            "name": "Active",
            "users_who": [{"performed": "X", "within_days": 1}],
            "send": ["identify", "track"],
        }
    ],
}


def computed() -> list[dict[str, Any]]:
    """What comes of the same four events, in a new Engage."""
    engage = Engage(definitions_from_json(DEFINITIONS))
    made = []
    for number, user in enumerate("uvuv"):
        at = T0 + number * HOUR
        made += engage.take(track(at=at, user=user, properties={"n": number}), at)
    return made + engage.advance(T0 + 2 * DAY)


def test_computing_again_doubles_nothing(mock_mixpanel: MockMixpanel) -> None:
    """History that is computed and sent a second time leaves Mixpanel as it was."""
    settings = Settings(token=mock_mixpanel.token, people=True)
    now = T0 + 2 * DAY

    def deliver() -> None:
        with Sender({"https://api.mixpanel.com": mock_mixpanel.url}) as sender:
            for message in computed():
                sender.send(translate(message, settings).operations)

    mock_mixpanel.freeze(iso_milliseconds(now))
    deliver()
    events, profiles = mock_mixpanel.events(), mock_mixpanel.profiles()
    assert sorted(event["event"] for event in events) == [
        "Audience Entered",
        "Audience Entered",
        "Audience Exited",
        "Audience Exited",
    ]
    assert {
        user: (properties["total"], properties["active"]) for user, properties in profiles.items()
    } == {"u": (2, False), "v": (4, False)}
    deliver()
    assert [event["insert_id"] for event in events] == [
        event["insert_id"] for event in mock_mixpanel.events()
    ]
    assert profiles == mock_mixpanel.profiles()
