"""Bugs of pages and apps: wrong calls, a wrong order, an SDK that loses its state."""

import dataclasses
from collections.abc import Callable
from typing import Any

from conformance.mutants.tools import Broken
from translator import Rules, Session
from translator.core.rules import RULES
from translator.device.calls import MethodCall
from translator.device.message import DecidedCalls
from translator.device.sdk.storage import Storage
from translator.device.session import SessionStep

Change = Callable[[list[MethodCall], Any], list[MethodCall]]
"""From the calls of a message, and the message, to other calls."""


def with_changed_calls(change: Change) -> Callable[..., Session]:
    """Our translator, with other calls for every message."""

    class Changed(Session):
        def decide(self, raw: Any) -> DecidedCalls:
            decision = super().decide(raw)
            return decision._replace(calls=change(decision.calls, raw))

    return Changed


def ignoring_doc_in(name: str) -> Callable[..., Session]:
    """Our translator, which does not follow the doc in one rule.

    Raises KeyError for an unknown rule.
    """
    Rules.observed().follows_doc(name)

    def make(*, rules: Rules, **options: Any) -> Session:
        followed = {rule.name for rule in RULES if rules.follows_doc(rule.name)} - {name}
        return Session(rules=Rules(frozenset(followed)), **options)

    return make


def following_doc_in(name: str) -> Callable[..., Session]:
    """Our translator, which follows the doc in one rule. Raises KeyError for an unknown rule."""
    Rules.observed().follows_doc(name)

    def make(*, rules: Rules, **options: Any) -> Session:
        return Session(rules=rules.following(name), **options)

    return make


def without_setting(**values: Any) -> Callable[..., Session]:
    """Our translator, with fixed values of some settings."""

    def make(*, settings: Any, **options: Any) -> Session:
        return Session(settings=dataclasses.replace(settings, **values), **options)

    return make


class _Forgetful(Session):
    """A page that loses its storage at each start."""

    def start(self) -> SessionStep:
        self.storage = Storage()
        return super().start()


class _ResetsTheSdk(Session):
    """A page that passes `analytics.reset()` on."""

    def decide(self, raw: Any) -> DecidedCalls:
        decision = super().decide(raw)
        if isinstance(raw, dict) and raw.get("type") == "reset":
            self.storage.cookies.clear()
            self.start()
        return decision


def _last(method: str) -> Change:
    """Calls of a method come after all others."""

    def change(calls: list[MethodCall], raw: Any) -> list[MethodCall]:
        return sorted(calls, key=lambda made: made.method == method)

    return change


def _swapped_alias(calls: list[MethodCall], raw: Any) -> list[MethodCall]:
    return [
        MethodCall(made.method, made.args[::-1]) if made.method == "alias" else made
        for made in calls
    ]


def _counts_in_lower_case(calls: list[MethodCall], raw: Any) -> list[MethodCall]:
    return [
        MethodCall(made.method, (made.args[0].lower(), *made.args[1:]))
        if made.method == "people.increment"
        else made
        for made in calls
    ]


def _unites_empty_lists(calls: list[MethodCall], raw: Any) -> list[MethodCall]:
    empty: dict[str, Any] = {}
    changed = []
    for made in calls:
        if made.method == "people.set" and isinstance(made.args[0], dict):
            given = made.args[0]
            empty = {key: value for key, value in given.items() if value == []}
            kept = {key: value for key, value in given.items() if key not in empty}
            changed.append(MethodCall(made.method, (kept,)))
        elif made.method == "people.union":
            changed.append(MethodCall(made.method, ({**empty, **made.args[0]},)))
        else:
            changed.append(made)
    return changed


def _waits_for_a_user(calls: list[MethodCall], raw: Any) -> list[MethodCall]:
    anonymous = isinstance(raw, dict) and raw.get("type") == "identify" and not raw.get("userId")
    return [] if anonymous else calls


def _twice(calls: list[MethodCall], raw: Any) -> list[MethodCall]:
    is_page = isinstance(raw, dict) and raw.get("type") in ("page", "screen")
    return calls + [made for made in calls if is_page and made.method == "track"]


def _keeps_reserved(calls: list[MethodCall], raw: Any) -> list[MethodCall]:
    if not isinstance(raw, dict) or not isinstance(raw.get("properties"), dict):
        return calls
    return [
        MethodCall("track", (made.args[0], {**raw["properties"], **made.args[1]}))
        if made.method == "track"
        else made
        for made in calls
    ]


DEVICES = (
    Broken(
        "page-alias-swapped",
        "The previous id becomes an alias of the new one.",
        "rudderlabs/rudder-transformer#2395",
        "alias/web-previous",
        session=with_changed_calls(_swapped_alias),
    ),
    Broken(
        "page-identifies-last",
        "Traits are set before the user is identified.",
        "docs/facts/device-mode.md#web-identify",
        "identify/web-*",
        session=with_changed_calls(_last("identify")),
    ),
    Broken(
        "page-tracks-first",
        "The event goes out before the counters.",
        "docs/facts/device-mode.md#web-track",
        "incrementing_properties/web-order",
        session=with_changed_calls(_last("people.increment")),
    ),
    Broken(
        "page-registers-before-the-event",
        "Super properties of an event are registered before it is sent.",
        "docs/facts/device-mode.md#web-track",
        "super_properties/web-from-track",
        session=with_changed_calls(_last("track")),
    ),
    Broken(
        "counters-in-lower-case",
        "The counter of an event has its name in lower case.",
        "capture:dw/track/event-increment",
        "incrementing_events/*",
        session=with_changed_calls(_counts_in_lower_case),
    ),
    Broken(
        "empty-list-united",
        "An empty list is united, and clears nothing.",
        "doc#arrays",
        "arrays/*",
        session=with_changed_calls(_unites_empty_lists),
    ),
    Broken(
        "visitor-traits-dropped",
        "Traits of a visitor without a user id are dropped.",
        "segment-integrations/analytics-android-integration-mixpanel#7",
        "identify/*-without-user",
        session=with_changed_calls(_waits_for_a_user),
    ),
    Broken(
        "page-counted-twice",
        "A page is tracked once for the option and once for all.",
        "segment-boneyard/segment-docs#3164",
        "page/web-*",
        session=with_changed_calls(_twice),
    ),
    Broken(
        "reserved-properties-kept",
        "An event of the page carries the token and id that its properties name.",
        "capture:dw/track/reserved-stripped",
        "reserved_properties/web-*",
        session=with_changed_calls(_keeps_reserved),
    ),
    Broken(
        "reset-passed-on",
        "analytics.reset() also resets the SDK.",
        "doc#reset-mixpanel-cookies",
        "reset/web*",
        session=_ResetsTheSdk,
    ),
    Broken(
        "reload-forgets",
        "The storage is lost after a reload.",
        "docs/facts/device-mode.md#web-requests-of-mixpanel-js",
        "people/web-cached-over-a-reload",
        session=_Forgetful,
    ),
    Broken(
        "page-ignores-eu",
        "The page of an EU project sends to the US.",
        "segmentio/action-destinations#727",
        "eu_endpoint/web",
        session=without_setting(enableEuropeanUnionEndpoint=False),
    ),
    Broken(
        "cookie-never-secure",
        "The secure cookie setting does nothing.",
        "doc#secure-cookie",
        "settings/web-secure-cookie*",
        session=without_setting(secureCookie=False),
    ),
    Broken(
        "group-id-of-the-call",
        "A group's id is that of the call, and not the value of the configured trait.",
        "doc#group-identifier-traits",
        "group/web-*",
        session=ignoring_doc_in("group_identity"),
    ),
    Broken(
        "mobile-lists-replaced",
        "A list of an app replaces the list on the profile.",
        "doc#arrays",
        "arrays/ios",
        session=ignoring_doc_in("array_traits"),
    ),
    Broken(
        "screens-named-otherwise",
        "An app's screens are named by tables of its own.",
        "doc#prioritization-of-settings",
        "page/android-*",
        session=ignoring_doc_in("screen_names"),
    ),
)
