"""Device mode: our own sessions as a target, and their answers in the notation of a scenario.

Web requests go to the mock as the browser would send them: as forms, to the mock's address of the
SDK's host. Ids of devices are random and appear as `<device>`, further ones as `<device:2>`, ...
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import requests

from conformance.spec.scenarios.loading import Json, RawLine
from conformance.targets.target import (
    OBSERVED,
    RULE_SETS,
    Answer,
    Reason,
    SettingsRefused,
    Setup,
    TargetFailed,
)
from translator import Session, Settings, SettingsError
from translator.bulk import session_line
from translator.core.residency import HOSTS
from translator.core.values.timestamps import to_ms
from translator.device.sdk import Browser, WireRequest
from translator.device.sdk.wire import API_HOST, CONTENT_TYPE
from translator.device.session import SessionStep

MakeSession = Callable[..., Session]
"""Makes a session from the keywords of `Session`: the built-in one, or a broken one."""

TIMEOUT_SECONDS = 30

_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class DeviceSession:
    """Our own library and SDK model during one scenario. Raises SettingsRefused."""

    observes = OBSERVED | {"calls"}

    def __init__(self, make: MakeSession, setup: Setup) -> None:
        try:
            settings = Settings.from_json(setup.settings)
        except SettingsError as error:
            raise SettingsRefused(str(error)) from error
        self._now = 0
        self._base_urls = {API_HOST: setup.base_urls.get(HOSTS["us"], ""), **setup.base_urls}
        self._http = requests.Session()
        self._http.trust_env = False
        self._session = make(
            settings=settings,
            mode=setup.mode,
            rules=RULE_SETS[setup.rules](),
            clock=lambda: self._now,
            browser=Browser.from_json(setup.browser),
        )
        self._started: SessionStep | None = None

    def deliver(self, messages: Sequence[Any], now: datetime) -> list[Answer]:
        """Take messages in order. The first answer carries what starting up made, too."""
        self._now = to_ms(now)
        return [self._answer(message) for message in messages]

    def reload(self, now: datetime) -> None:
        """Leave the page and come back."""
        self._now = to_ms(now)
        self._started = self._sent(self._session.start())

    def _answer(self, message: Any) -> Answer:
        try:
            if self._started is None:
                self._started = self._sent(self._session.start())
            if isinstance(message, RawLine):
                step = session_line(message.text.encode("utf-8", "surrogatepass"), self._session)
            else:
                step = self._session.deliver(message)
        except Exception as error:
            raise TargetFailed(f"the session raised {error!r} on {message!r}") from error
        result = self._sent(step).result
        before = self._started.result
        start_up = [call.as_json() for call in before.calls or ()]
        result = result._replace(skipped=before.skipped + result.skipped)
        self._started = SessionStep(before._replace(calls=(), skipped=()))
        return Answer(
            tuple(Reason(*skip) for skip in result.skipped),
            Reason(*result.error) if result.error else None,
            calls=tuple(call.as_json() for call in result.calls or ()),
            start_up=tuple(start_up),
        )

    def _sent(self, step: SessionStep) -> SessionStep:
        for request in step.requests:
            self._send(request)
        return step

    def _send(self, request: WireRequest) -> None:
        answer = self._http.request(
            request.method,
            self._base_urls[request.api_host] + request.path,
            params=request.query,
            data=request.body,
            headers={"Content-Type": CONTENT_TYPE},
            timeout=TIMEOUT_SECONDS,
        )
        if not answer.ok:
            raise TargetFailed(f"{request.path}: HTTP {answer.status_code}: {answer.text:.200}")

    def flush(self) -> None:
        """Do nothing: no operation is held back."""

    def close(self) -> None:
        self._http.close()


class Devices:
    """Random ids of devices under names, in the order in which they are seen."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def named(self, value: Any) -> Any:
        """A copy of a JSON value with the ids replaced."""
        if isinstance(value, dict):
            return {self.named(key): self.named(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.named(item) for item in value]
        return _UUID.sub(self._name, value) if isinstance(value, str) else value

    def _name(self, found: re.Match[str]) -> str:
        count = len(self._names) + 1
        return self._names.setdefault(found[0], "<device>" if count == 1 else f"<device:{count}>")


EVENT_DEFAULTS: Json = {
    "$os": "Mac OS X",
    "$browser": "Chrome",
    "$browser_version": 120,
    "$current_url": "https://www.example.com/shop",
    "$screen_height": 900,
    "$screen_width": 1440,
    "mp_lib": "Segment: web",
    "$lib_version": "2.83.0",
    "$insert_id": "<insert_id>",
    "$device_id": "<device>",
    "$initial_referrer": "$direct",
    "$initial_referring_domain": "$direct",
}
PROFILE_DEFAULTS: Json = {"$os": "Mac OS X", "$browser": "Chrome", "$browser_version": 120}

DEFAULTS = {"<event defaults>": EVENT_DEFAULTS, "<profile defaults>": PROFILE_DEFAULTS}
"""The abbreviations in a scenario for the properties that every event, or `$set`, has."""


def expanded(value: Any) -> Any:
    """An expected record with `<event defaults>: true` and the like replaced by what they mean."""
    if isinstance(value, list):
        return [expanded(item) for item in value]
    if not isinstance(value, dict):
        return value
    found: Json = {}
    for key, item in value.items():
        found.update(DEFAULTS[key] if key in DEFAULTS else {key: expanded(item)})
    return found
