"""Capabilities of a translator that a scenario needs, found in its input and expectation."""

from collections.abc import Iterator
from typing import Any

from conformance.spec.scenarios.loading import Json, Scenario
from translator import Settings
from translator.core.errors import SettingsError

CAPABILITIES = {
    "people": "updates profiles",
    "people_option": "has the setting that turns updates of profiles off",
    "charges": "makes a transaction of `revenue`",
    "increments": "adds up events and properties on the profile",
    "groups": "has group calls",
    "alias": "has alias calls",
    "pages": "makes events of page and screen calls",
    "page_options": "has the settings that choose page and screen calls",
    "arrays": "unites array traits with those of the profile",
    "explicit_properties": "has the lists of people properties and super properties",
    "source_name": "has the setting Source Name",
    "regions": "has the setting for the EU endpoint",
    "set_once": "has the setting for group traits that keep their first value",
    "integrations": "leaves out messages that turn it off in their `integrations` object",
    "devices": "has a device mode",
}
"""Capability -> what a translator with it does."""

_SETTINGS = {
    "consolidatedPageCalls": "page_options",
    "trackAllPages": "page_options",
    "trackCategorizedPages": "page_options",
    "trackNamedPages": "page_options",
    "eventIncrements": "increments",
    "propIncrements": "increments",
    "peopleProperties": "explicit_properties",
    "superProperties": "explicit_properties",
    "setAllTraitsByDefault": "explicit_properties",
    "legacySuperProperties": "explicit_properties",
    "groupIdentifierTraits": "groups",
    "groupSetOnce": "set_once",
    "sourceName": "source_name",
    "enableEuropeanUnionEndpoint": "regions",
}
_COUNTING = frozenset(["eventIncrements", "propIncrements"])
_CALLS = {"group": "groups", "alias": "alias", "page": "pages", "screen": "pages"}


def needs(scenario: Scenario) -> frozenset[str]:
    """The capabilities, by their names in CAPABILITIES."""
    return frozenset(_needs(scenario))


def is_about_delivery(scenario: Scenario) -> bool:
    """Whether the scenario is about retries, or about the time between an alias and other calls."""
    return bool(scenario.delivery or scenario.faults or scenario.project.get("alias_delay"))


def _needs(scenario: Scenario) -> Iterator[str]:
    if scenario.mode != "cloud":
        yield "devices"
    for name, capability in _SETTINGS.items():
        if name in scenario.settings and scenario.settings[name] != _default(name):
            yield capability
    if scenario.settings.get("people") is False and _updates_people(scenario):
        yield "people_option"
    for step in scenario.steps:
        for message in step.messages:
            call = str(message.get("type")) if isinstance(message, dict) else ""
            if call in _CALLS:
                yield _CALLS[call]
            if isinstance(message, dict) and _turns_off(message.get("integrations")):
                yield "integrations"
    for request in scenario.expect.requests or ():
        if request["endpoint"] == "/engage":
            yield from _profile_needs(request["record"])


def _profile_needs(record: Any) -> Iterator[str]:
    yield "people"
    if "$union" in record:
        yield "arrays"
    appended = record.get("$append")
    if isinstance(appended, dict) and "$transactions" in appended:
        yield "charges"


def _updates_people(scenario: Scenario) -> bool:
    """Whether the scenario would update profiles if this was not turned off."""
    if scenario.engage or _COUNTING & scenario.settings.keys():
        return True
    messages = [each for step in scenario.steps for each in step.messages if isinstance(each, dict)]
    return any(each.get("type") == "identify" or _has_revenue(each) for each in messages)


def _has_revenue(message: Json) -> bool:
    properties = message.get("properties")
    return isinstance(properties, dict) and any(key.lower() == "revenue" for key in properties)


def _turns_off(integrations: Any) -> bool:
    """Whether an `integrations` object turns a destination off."""
    return isinstance(integrations, dict) and False in integrations.values()


def _default(name: str) -> Any:
    try:
        return getattr(Settings.from_json({"token": "T"}), name)
    except SettingsError:  # pragma: no cover - a token is all that is required
        return None
