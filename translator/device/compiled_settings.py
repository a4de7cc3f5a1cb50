"""Settings and rules of a device-mode session, compiled once.

The defaults of settings are those of the doc's table or those of the integration's code. The rules
named `*_default` say which.
"""

import dataclasses
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from translator.core.operations import Json
from translator.core.properties.page_names import selected_names
from translator.core.properties.special_traits import SPECIAL_TRAITS
from translator.core.rules import RULES, Rules
from translator.core.settings import Settings

MODES = ("web", "ios", "android")


class Default(NamedTuple):
    """The default of a setting in each mode's code, and the rule that chooses it or the doc's."""

    setting: str
    rule: str
    observed: Mapping[str, bool]


DEFAULTS = (
    Default("people", "people_default", {"web": False, "ios": False, "android": False}),
    Default("consolidatedPageCalls", "page_default", {"web": True, "ios": False, "android": True}),
    Default("setAllTraitsByDefault", "all_traits_default", {"ios": False}),
    Default("crossSubdomainCookie", "cookie_default", {"web": False}),
)
"""docs/facts/device-mode.md#settings, docs/facts/device-mode.md#ios,
docs/facts/device-mode.md#android."""

DOC_TRAITS = frozenset(row.trait for row in SPECIAL_TRAITS if row.in_doc)


class CompiledDeviceSettings:
    """Compiled settings and rules of a session. Immutable by convention.

    `settings` are the effective ones. `others` are options of the integration that `Settings` does
    not have.
    """

    def __init__(self, settings: Settings, mode: str, rules: Rules, others: Json) -> None:
        self.mode = mode
        self.doc = {rule.name: rules.follows_doc(rule.name) for rule in RULES}
        """Rule name -> whether the doc is followed. An unknown name raises KeyError."""
        self.given = settings.given
        self.others = others
        self.settings = dataclasses.replace(settings, **self._observed_defaults(settings))
        self.event_increments = self._event_increments()
        self.prop_increments = tuple(
            name.lower() for name in self._listed("propIncrements", "property_increments")
        )
        """Configured names in lower case, in the order of the setting, repeated ones included."""
        self.page_names = selected_names(self.settings)

    def _observed_defaults(self, settings: Settings) -> dict[str, Any]:
        return {
            row.setting: row.observed[self.mode]
            for row in DEFAULTS
            if self.mode in row.observed
            and row.setting not in settings.given
            and not self.doc[row.rule]
        }

    def _listed(self, setting: str, rule: str) -> tuple[str, ...]:
        """A list that Android's integration does not read."""
        names = tuple(name for name in getattr(self.settings, setting) if name is not None)
        return names if self.mode != "android" or self.doc[rule] else ()

    def _event_increments(self) -> frozenset[str]:
        current, older = (
            # A list that the Android library read can have null names, which match nothing.
            tuple(name for name in names if name is not None)
            for names in (self.settings.eventIncrements, self.settings.increments)
        )
        if self.doc["older_increments"]:
            return frozenset(name.lower() for name in current + older)
        if self.mode == "android":
            return frozenset(older)
        return frozenset(name.lower() for name in current)

    def counts(self, event: str) -> bool:
        """Whether an event is to be counted. Only Android's integration compares case."""
        exact = self.mode == "android" and not self.doc["older_increments"]
        return (event if exact else event.lower()) in self.event_increments


@lru_cache(maxsize=64)
def _cached(
    settings: Settings, given: frozenset[str], mode: str, rules: Rules
) -> CompiledDeviceSettings:
    return CompiledDeviceSettings(settings, mode, rules, {})


def compile_device_settings(
    settings: Settings, mode: str, rules: Rules, others: Json | None = None
) -> CompiledDeviceSettings:
    """The compiled settings of a session. Raises ValueError for a mode that is not in `MODES`."""
    if mode not in MODES:
        raise ValueError(f"unknown device mode {mode!r}; there are {', '.join(MODES)}")
    if others:
        return CompiledDeviceSettings(settings, mode, rules, others)
    return _cached(settings, settings.given, mode, rules)
