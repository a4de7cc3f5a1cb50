"""Endpoints that SDKs call at start-up (docs/facts/mixpanel-http-api.md#endpoints-that-sdks-call,
docs/facts/real-clients.md#what-counts-as-success).

There are no feature flags, remote settings or replays here: each answer is the one that says so and
that no SDK takes for an error. What they send is in the journal and nowhere else.
"""

from mock_mixpanel.readback.calls import CallError, ReadbackCall, ReadbackResponse

SDK_PATHS = ("/flags", "/record", "/settings", "/decide")
"""Endpoints that SDKs in web pages call at start-up; there are more under `/flags/`."""


def flags(call: ReadbackCall) -> ReadbackResponse:
    """No flags; one client needs `code` beside them. Raises CallError 401 without a token."""
    _authenticated(call)
    return ReadbackResponse.json({"code": 200, "flags": {}})


def flag_definitions(call: ReadbackCall) -> ReadbackResponse:
    """No flags to evaluate locally. Raises CallError 401 without a token."""
    _authenticated(call)
    return ReadbackResponse.json({"code": 200, "flags": []})


def first_time_event(call: ReadbackCall, flag_id: str) -> ReadbackResponse:
    """Clients ignore the answer (docs/facts/mixpanel-http-api.md#endpoints-that-sdks-call). Raises
    CallError 401 without a token."""
    _authenticated(call)
    return ReadbackResponse.json({"status": "ok"})


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


def _authenticated(call: ReadbackCall) -> None:
    """Accept any credential, or a token in the query: the responses reveal nothing (choice)."""
    if call.credential is None and not call.params.get("token"):
        raise CallError(401, "Authorization is missing; it is Basic and the project token")
