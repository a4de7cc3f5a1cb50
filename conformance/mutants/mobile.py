"""Bugs of iOS and Android apps: calls that the real integrations were not recorded making."""

from collections.abc import Callable
from typing import Any

from conformance.mutants.devices import following_doc_in, with_changed_calls
from conformance.mutants.tools import Broken
from translator import Session
from translator.device.calls import MethodCall
from translator.device.message import DecidedCalls
from translator.device.session import SessionStep


class _StartsWithTwoArguments(Session):
    """An iOS app that leaves out the opt-out argument at start-up."""

    def start(self) -> SessionStep:
        step = super().start()
        first, *others = step.result.calls or ()
        options = {"trackAutomaticEvents": False}
        calls = (MethodCall(first.method, (*first.args[:1], options)), *others)
        return step._replace(result=step.result._replace(calls=calls))


class _ForgetsUsersOfCallsTurnedOff(Session):
    """A library that does not see a call that the integrations object turns off."""

    def decide(self, raw: Any) -> DecidedCalls:
        integrations = raw.get("integrations") if isinstance(raw, dict) else None
        return DecidedCalls([], []) if integrations == {"All": False} else super().decide(raw)


def _with_changed_message(
    change: Callable[[dict[str, Any]], dict[str, Any]],
) -> Callable[..., Session]:
    """Our library, with a changed message."""

    class Changed(Session):
        def decide(self, raw: Any) -> DecidedCalls:
            return super().decide(change(raw) if isinstance(raw, dict) else raw)

    return Changed


def _without_empty_name(raw: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if (key, value) != ("name", "")}


def _group_key_as_it_came(calls: list[MethodCall], raw: Any) -> list[MethodCall]:
    name = (raw.get("traits") or {}).get("name") if isinstance(raw, dict) else None
    return [
        made._replace(args=(name, *made.args[1:]))
        if name and made.method in ("getGroup", "setGroup")
        else made
        for made in calls
    ]


def _pythons_numbers_only(calls: list[MethodCall], raw: Any) -> list[MethodCall]:
    properties = raw.get("properties") if isinstance(raw, dict) else None
    try:
        float((properties or {}).get("revenue", 0))
    except (TypeError, ValueError):
        return [made for made in calls if made.method != "people.trackCharge"]
    return calls


def _no_charge_of_zero(calls: list[MethodCall], raw: Any) -> list[MethodCall]:
    return [made for made in calls if made.method != "people.trackCharge" or made.args[0]]


MOBILE = (
    Broken(
        "ios-start-without-opt-out",
        "The SDK is started without saying that users have not opted out.",
        "docs/facts/device-ios-observed.md#start",
        "settings/ios-start*",
        session=_StartsWithTwoArguments,
    ),
    Broken(
        "ios-zero-not-charged",
        "A revenue of 0 makes no charge in iOS.",
        "capture:di/revenue/order-completed-zero",
        "track_charge/ios*",
        session=with_changed_calls(_no_charge_of_zero),
    ),
    Broken(
        "ios-booleans-not-charged",
        "Revenue is charged in iOS as in the other modes.",
        "docs/facts/device-ios-observed.md#track",
        "track_charge/ios-text-observed",
        session=following_doc_in("mobile_charges"),
    ),
    Broken(
        "ios-empty-name-absent",
        "An empty screen name counts as no name in iOS.",
        "docs/facts/device-ios-observed.md#screen",
        "page/ios-empty-name-observed",
        session=_with_changed_message(_without_empty_name),
    ),
    Broken(
        "ios-increments-once",
        "A property is added up once in iOS, in the order of the properties.",
        "capture:di/increments/prop-duplicate-names",
        "incrementing_properties/ios-order-observed",
        session=following_doc_in("increments_per_name"),
    ),
    Broken(
        "ios-alias-needs-an-id",
        "An alias without a new id is not passed on in iOS.",
        "capture:di/alias/no-new-id",
        "alias/ios-no-new-id-observed",
        session=following_doc_in("alias_without_id"),
    ),
    Broken(
        "ios-event-needs-a-name",
        "An event without a name is not passed on in iOS.",
        "capture:di/track/no-event",
        "bad_input/ios-no-event-observed",
        session=following_doc_in("missing_event_name"),
    ),
    Broken(
        "ios-only-false-turns-off",
        "A number does not turn Mixpanel off in iOS.",
        "capture:di/integrations/mixpanel-zero",
        "integrations/ios-values-observed",
        session=following_doc_in("mobile_integrations"),
    ),
    Broken(
        "android-only-false-turns-off",
        "A text does not turn Mixpanel off in Android.",
        "capture:da/integrations/text-values",
        "integrations/android-values-observed",
        session=following_doc_in("mobile_integrations"),
    ),
    Broken(
        "android-forgets-users-of-calls-turned-off",
        "A call that is turned off does not identify the user for the library.",
        "capture:da/integrations/disabled-alias",
        "integrations/android-user-of-a-call-turned-off",
        session=_ForgetsUsersOfCallsTurnedOff,
    ),
    Broken(
        "android-refuses-nothing",
        "Calls that Android's library refuses are made.",
        "capture:da/refused/track",
        "bad_input/android-refused-observed",
        session=following_doc_in("refused_calls"),
    ),
    Broken(
        "android-first-spelling-wins",
        "Of email and $email the renamed trait wins in Android, in any order.",
        "capture:da/special-traits/last-wins-three",
        "special_traits/android-spellings-observed",
        session=following_doc_in("trait_spellings"),
    ),
    Broken(
        "android-lists-without-set",
        "Of two listed spellings the renamed one wins in Android, whatever the set's order.",
        "capture:da/setall-off/hash-order",
        "explicit_properties/android-spellings-observed",
        session=following_doc_in("trait_spellings"),
    ),
    Broken(
        "android-nameless-screen-without-name",
        "A consolidated screen without a name has no property of that name.",
        "capture:da/screen/nameless",
        "page/android-name-property-observed",
        session=following_doc_in("screen_name_property"),
    ),
    Broken(
        "android-group-key-not-text",
        "A group key is the name of the traits without conversion to text.",
        "capture:da/group/number-name",
        "group/android-names-observed",
        session=with_changed_calls(_group_key_as_it_came),
    ),
    Broken(
        "android-revenue-as-python-reads-it",
        "Revenue in a text is read as Python reads a number.",
        "capture:da/revenue/text-java",
        "track_charge/android-text-observed",
        session=with_changed_calls(_pythons_numbers_only),
    ),
)
