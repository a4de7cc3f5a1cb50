"""Endpoints that SDKs call at start-up (docs/facts/mixpanel-http-api.md#endpoints-that-sdks-call,
docs/facts/real-clients.md#what-counts-as-success).

The mock has no remote settings and no replays. Each response says so in a form that no SDK treats
as an error. The requests are only in the journal.
"""

from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse

SDK_PATHS = ("/flags", "/record", "/settings", "/decide")
"""Endpoints that SDKs in web pages call at start-up; there are more under `/flags/`."""


def record(call: ReadbackCall) -> ReadbackResponse:
    """A piece of a session replay: after JSON and 200 the client sends the next piece."""
    return ReadbackResponse.json({"code": 200, "status": "OK"})


def settings(call: ReadbackCall) -> ReadbackResponse:
    """No remote settings; with a `config` that is empty mixpanel-browser logs an error."""
    return ReadbackResponse.json({"sdk_config": {}})


def decide(call: ReadbackCall) -> ReadbackResponse:
    """An empty response.

    Mixpanel removed the route in April 2026; old mobile SDKs still call it (choice).
    """
    nothing = ("notifications", "surveys", "variants", "event_bindings", "integrations")
    return ReadbackResponse.json({**{name: [] for name in nothing}, "automatic_events": False})
