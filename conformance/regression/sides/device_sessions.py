"""A whole session of a page or app as one message of a corpus, and its replay as one answer.

A line with a `session`, as in `conformance/captures/device-web.jsonl`, is replayed with its browser
and SDK. Calls and the final storage are operations of the kinds `call` and `storage`, beside the
requests. A session of an app (`mode: ios` or `android`, or a capture of one) has calls only.
"""

from dataclasses import asdict

from conformance.regression.sides.variants import Variant
from conformance.runner.captures.mobile import FILES, MobileCapture, mode_of
from conformance.runner.captures.web import DeviceCapture
from conformance.spec.scenarios.loading import Json
from translator import Settings, SettingsError
from translator.device.sdk.client import LIB_VERSION

DEFAULTS: Json = {"env": {}, "sdk": LIB_VERSION, "sdk_config": {"batch_requests": False}}
"""Keys that a session of a browser can leave out."""


def session_answer(line: Json, variant: Variant) -> Json:
    """The session's replay in a variant, in the form of an answer to a message.

    Raises ValueError for an unknown mode.
    """
    own = line.get("settings") or {}
    settings = {**own, **_changed(own, variant.settings)}
    mode = mode_of(line)
    if mode in FILES:
        app = MobileCapture("", "", mode, {**line, "settings": settings})
        operations = _calls(app.outcome(variant.rules))
    elif mode == "web":
        capture = DeviceCapture("", "", {**DEFAULTS, **line, "settings": settings})
        outcome = capture.outcome(variant.rules)
        operations = [*_calls(outcome), *_requests(outcome), _storage(outcome)]
    else:
        raise ValueError(f"unknown mode {mode!r} of a session; use web, ios or android")
    return {"messageId": None, "operations": operations, "skipped": [], "error": None}


def _changed(own: Json, settings: Settings) -> Json:
    """The variant's settings that differ from the session's own.

    Equal ones stay out, because an integration has a default of its own for an absent setting.
    """
    known = Settings.__dataclass_fields__
    try:
        before = Settings.from_json({key: own[key] for key in own if key in known})
    except SettingsError:
        return _as_json(settings)
    values = _as_json(before)
    return {key: value for key, value in _as_json(settings).items() if value != values[key]}


def _as_json(settings: Settings) -> Json:
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in asdict(settings).items()
    }


def _calls(outcome: Json) -> list[Json]:
    return [
        {"endpoint": "call", "host": "", "payload": {"method": method, "args": args}}
        for method, *args in outcome["calls"]
    ]


def _requests(outcome: Json) -> list[Json]:
    found = []
    for request in outcome["requests"]:
        records = request["body"]["data"]
        for record in records if isinstance(records, list) else [records]:
            endpoint = request["path"].rstrip("/")
            found.append({"endpoint": endpoint, "host": request["host"], "payload": record})
    return found


def _storage(outcome: Json) -> Json:
    return {"endpoint": "storage", "host": "", "payload": outcome["storage"]}
