"""Endpoints that SDKs call at start-up (docs/facts/mixpanel-http-api.md#endpoints-that-sdks-call,
docs/facts/real-clients.md#what-counts-as-success).

There are no remote settings or replays here: each response says so, and no SDK takes it for an
error. What they send is in the journal and nowhere else.
"""

from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse

SDK_PATHS = ("/flags", "/record", "/settings", "/decide")
"""Endpoints that SDKs in web pages call at start-up; there are more under `/flags/`."""


def record(call: ReadbackCall) -> ReadbackResponse:
    """A piece of a session replay: JSON and 200 let the client go on to the next."""
    return ReadbackResponse.json({"code": 200, "status": "OK"})


def settings(call: ReadbackCall) -> ReadbackResponse:
    """No remote settings; with a `config` that is empty mixpanel-browser logs an error."""
    return ReadbackResponse.json({"sdk_config": {}})


def decide(call: ReadbackCall) -> ReadbackResponse:
    """Nothing to show; gone from Mixpanel in April 2026, old mobile SDKs still ask (choice)."""
    nothing = ("notifications", "surveys", "variants", "event_bindings", "integrations")
    return ReadbackResponse.json({**{name: [] for name in nothing}, "automatic_events": False})
