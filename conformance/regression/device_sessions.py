"""A whole session of a browser as one message of a corpus, and what comes of it as one answer.

A line with a `session`, as in `conformance/captures/device-web.jsonl`, is replayed with its browser
and SDK. The calls that the page makes and what the browser stores stand beside the requests, as
operations of the kinds `call` and `storage`.
"""

from dataclasses import asdict

from conformance.regression.variants import Variant
from conformance.runner.device_captures import DeviceCapture
from conformance.spec.loading import Json
from translator import Settings, SettingsError
from translator.device.sdk.client import LIB_VERSION

DEFAULTS: Json = {"env": {}, "sdk": LIB_VERSION, "sdk_config": {"batch_requests": False}}
"""What a session need not say."""


def session_answer(line: Json, variant: Variant) -> Json:
    """What the session makes in a variant, in the form of an answer to a message."""
    own = line.get("settings") or {}
    settings = {**own, **_changed(own, variant.settings)}
    capture = DeviceCapture("", "", {**DEFAULTS, **line, "settings": settings})
    outcome = capture.outcome(variant.rules)
    return {
        "messageId": None,
        "operations": [*_calls(outcome), *_requests(outcome), _storage(outcome)],
        "skipped": [],
        "error": None,
    }


def _changed(own: Json, settings: Settings) -> Json:
    """What the variant's settings say differently from the session's own.

    Not more: whether a setting was given at all makes a difference to an integration.
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
