"""A session: the messages of one page or app, in order, and the calls and requests of each.

It is the only part of device mode that holds state. Messages are delivered one at a time. The page
is idle in between, so that responses arrive before the next message, unless `settle` is off.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from translator.core.errors import TranslationError, skip
from translator.core.message import FORBIDDEN_IDS, check_types, kind_of, message_id, turned_off
from translator.core.message_fields import unused_fields
from translator.core.operations import Json, Operation, Result, Skip
from translator.core.rules import Rules
from translator.core.settings import Settings
from translator.core.values.json_values import check
from translator.core.values.timestamps import to_ms
from translator.device.calls import MethodCall
from translator.device.compiled_settings import CompiledDeviceSettings, compile_device_settings
from translator.device.message import CallOrSkip, DecidedCalls, DeviceMessage, SessionState, Stored
from translator.device.mobile import android, ios, shared
from translator.device.mobile.shared import MobileIdentity
from translator.device.sdk import Browser, Entropy, MixpanelJs, WireRequest
from translator.device.sdk.client import LIB_VERSION
from translator.device.sdk.storage import Storage
from translator.device.web import js, session_calls
from translator.device.web.dates import Date

DESTINATION_NAMES = ("Mixpanel",)
"""The names of this destination in the integrations object in device mode
(doc#destination-info)."""


class Library(NamedTuple):
    """The interface of a mode's module: its kinds of messages, and the calls it makes.

    `turned_off` reads the integrations object as the mode's library does; None if the integration
    was not observed behind such a filter.
    """

    kinds: tuple[str, ...]
    start_up: Callable[[CompiledDeviceSettings], list[CallOrSkip]]
    message_parts: Callable[[DeviceMessage, Date], list[CallOrSkip]]
    turned_off: Callable[[Json], bool] | None = None


LIBRARIES: Mapping[str, Library] = {
    "web": Library(session_calls.KINDS, session_calls.start_up, session_calls.message_parts),
    "ios": Library(shared.KINDS, ios.start_up, ios.message_parts, ios.turned_off),
    "android": Library(shared.KINDS, android.start_up, android.message_parts, android.turned_off),
}


class SessionStep(NamedTuple):
    """The result of one message, or of starting up, and in web mode its requests."""

    result: Result
    requests: tuple[WireRequest, ...] = ()


@dataclass(kw_only=True)
class Session:
    """One page or app, from its start.

    `now` is the aware moment of all calls. `clock`, if given, returns the moment of each call in
    milliseconds since 1970 instead. `seed` determines the random ids. `others` are options of the
    integration that `Settings` does not have. These matter in web mode only: `browser`, `storage`
    (its cookies and localStorage), `sdk_config` (what the page adds to the SDK's configuration) and
    `lib_version` (of the SDK).

    Raises ValueError for an unknown mode or a naive `now`.
    """

    settings: Settings
    mode: str = "web"
    rules: Rules = field(default_factory=Rules.documented)
    now: datetime | None = None
    clock: Callable[[], int] | None = None
    browser: Browser = field(default_factory=Browser)
    seed: str = ""
    sdk_config: Mapping[str, Any] = field(default_factory=lambda: {"batch_requests": False})
    lib_version: str = LIB_VERSION
    others: Json = field(default_factory=dict)
    storage: Storage = field(default_factory=Storage)

    def __post_init__(self) -> None:
        self._compiled: CompiledDeviceSettings = compile_device_settings(
            self.settings, self.mode, self.rules, self.others
        )
        self._library = LIBRARIES[self.mode]
        fixed = 0 if self.now is None else to_ms(self.now)
        self._clock = self.clock or (lambda: fixed)
        self._entropy = Entropy(self.seed)
        self._user_id: Any = None
        self._sdk: MixpanelJs | None = None
        self._stored: Stored = MobileIdentity("")

    def start(self) -> SessionStep:
        """Load the page: its start-up calls and the SDK's own first requests.

        A second call is a reload of the page: what the browser stored is still there.
        """
        calls, skipped = DecidedCalls.of(self._library.start_up(self._compiled))
        if self.mode == "web":
            config = calls[0].args[1] | self.sdk_config
            self._sdk = MixpanelJs(
                config,
                browser=self.browser,
                storage=self.storage,
                entropy=self._entropy,
                clock=self._clock,
                lib_version=self.lib_version,
            )
            self._make(calls[1:])
            self._sdk.loaded()
            self._stored = self._sdk
        else:
            self._stored = MobileIdentity(self._entropy.uuid())
        return self._step(None, calls, skipped, None)

    def deliver(self, raw: Any, *, settle: bool = True) -> SessionStep:
        """The result and requests of one message. Never raises for a bad one and never changes it.

        Without `settle` the page is not idle afterwards: responses and batches wait.
        """
        try:
            check(raw)
            calls, skipped = self.decide(raw)
        except TranslationError as bad:
            return SessionStep(Result(message_id(raw), error=bad.failure, calls=()))
        self._make(calls)
        error = None
        for method, args in calls:
            if method == "!throw":
                text = f"the integration throws, and the message is lost: {args[0]}"
                error = TranslationError("invalid_field", text).failure
        return self._step(message_id(raw), calls, skipped, error, settle=settle)

    def settle(self) -> tuple[WireRequest, ...]:
        """Let the page be idle; returns the requests that it sends meanwhile."""
        return self._settled(settle=True)

    def decide(self, raw: Any) -> DecidedCalls:
        """The calls of a message, before they are made, and reasons for what is left out.

        Raises `TranslationError` for a message that cannot be translated.
        """
        if not isinstance(raw, dict):
            text = f"a message must be a JSON object, not {raw!r:.80}"
            raise TranslationError("not_an_object", text)
        doc = self._compiled.doc
        kind = kind_of(raw, self._library.kinds)
        if doc["field_types"]:
            check_types(raw)
        raw, forbidden = self._without_forbidden_ids(raw)
        seen = js.revive(raw) if self.mode == "web" else copy.deepcopy(raw)
        parts: list[CallOrSkip]
        if self._turned_off(kind, raw):
            reason = "the integrations object turns Mixpanel off for this message"
            parts = [skip("integration_disabled", reason)]
        else:
            state = SessionState(self._user_id, self._stored)
            message = DeviceMessage(kind, seen, self._compiled, state)
            parts = self._library.message_parts(message, Date(self._clock()))
            if any(isinstance(part, MethodCall) for part in parts):
                parts += unused_fields(kind, raw)
        # A message that is turned off still sets the library's user.
        if kind == "reset":
            self._user_id = None
        elif kind == "identify" and js.truthy(seen.get("userId")):
            self._user_id = seen["userId"]
        return DecidedCalls.of([*forbidden, *parts])

    def _turned_off(self, kind: str, raw: Json) -> bool:
        """Whether the integrations object keeps a message from the integration."""
        doc, library = self._compiled.doc, self._library
        if library.turned_off is None:
            return doc["integrations_object"] and turned_off(raw, DESTINATION_NAMES)
        if kind not in shared.MESSAGES:
            return False
        if doc["mobile_integrations"]:
            return turned_off(raw, DESTINATION_NAMES)
        integrations = raw.get("integrations")
        return isinstance(integrations, dict) and library.turned_off(integrations)

    def _without_forbidden_ids(self, raw: Json) -> tuple[Json, list[Skip]]:
        """The message without ids that Mixpanel refuses, if the rules say so, and the reasons."""
        if not self._compiled.doc["forbidden_ids"]:
            return raw, []
        kept, reasons = dict(raw), []
        for name in ("userId", "previousId"):
            value = raw.get(name)
            if value is not None and str(value).strip().lower() in FORBIDDEN_IDS:
                reason = f"{name} {value!r} is refused by Mixpanel, so it counts as absent"
                reasons.append(skip("forbidden_id", reason))
                del kept[name]
        return kept, reasons

    def _make(self, calls: Iterable[MethodCall]) -> None:
        if self._sdk:
            for made in calls:
                self._sdk.call(made)
        elif isinstance(self._stored, MobileIdentity):
            self._stored.follow(calls, self._entropy.uuid())

    def _settled(self, *, settle: bool) -> tuple[WireRequest, ...]:
        if not self._sdk:
            return ()
        if settle:
            self._sdk.settle()
        requests = tuple(self._sdk.requests)
        self._sdk.requests.clear()
        return requests

    def _step(
        self,
        identity: str | float | None,
        calls: Iterable[MethodCall],
        skipped: list[Skip],
        error: Any,
        *,
        settle: bool = True,
    ) -> SessionStep:
        requests = self._settled(settle=settle)
        operations = tuple(
            Operation(request.path.rstrip("/"), request.api_host, record)
            for request in requests
            for record in request.records
        )
        result = Result(identity, operations, tuple(skipped), error, tuple(calls))
        return SessionStep(result, requests)


def translate_session(
    messages: Iterable[Any], settings: Settings, *, mode: str = "web", **options: Any
) -> list[Result]:
    """The result for each message of one session. The first also has the start-up calls.

    `options` are those of `Session`.
    """
    session = Session(settings=settings, mode=mode, **options)
    started = session.start().result
    results = [session.deliver(message).result for message in messages]
    return [with_start_up(started, result) for result in results[:1]] + results[1:]


def with_start_up(started: Result, result: Result) -> Result:
    """The result of a session's first message, after the result of starting up."""
    return result._replace(
        operations=started.operations + result.operations,
        skipped=started.skipped + result.skipped,
        calls=(started.calls or ()) + (result.calls or ()),
    )
