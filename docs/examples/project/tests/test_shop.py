"""An ordinary test beside the scenarios: what the shop's own code does with a local Mixpanel."""

from datetime import UTC, datetime

from translator import Settings, translate
from translator.sender import Sender


def test_checkout_is_counted_once(mock_mixpanel):
    """An order that is sent twice is one order."""
    settings = Settings(token=mock_mixpanel.token)
    order = {
        "type": "track",
        "messageId": "order-1",
        "userId": "ann",
        "event": "Order Completed",
        "timestamp": datetime.now(UTC).isoformat(),
    }

    with Sender({"https://api.mixpanel.com": mock_mixpanel.url}) as sender:
        for _ in range(2):
            sender.send(translate(order, settings).operations)

    assert [event["event"] for event in mock_mixpanel.events()] == ["Order Completed"]
