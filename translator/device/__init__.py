"""Device mode: Segment messages to the calls that a page or app makes on Mixpanel's own SDK.

It has two layers. `web/` and `mobile/` decide which methods are called: pure functions of the
message, the settings and the state. `sdk/` is a model of mixpanel-js, which turns calls into the
requests that the browser sends. `session.py` joins them. Source: docs/facts/device-mode.md.
"""
