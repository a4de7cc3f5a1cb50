"""What settings and rules mean in one device mode, worked out once for a session.

Defaults of the settings are those of the doc's table, or of the library's code: rules of the names
`*_default` say which.
"""

import dataclasses
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from translator.cloud.pages import selected_names
from translator.core.operations import Json
from translator.core.rules import RULES, Rules
from translator.core.settings import Settings
from translator.core.special_traits import SPECIAL_TRAITS

MODES = ("web", "ios", "android")


class Default(NamedTuple):
    """What a setting is in each mode's code when it is absent, and the rule that it breaks."""

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


class DevicePlan:
    """Compiled settings and rules of a session. Immutable by convention.

    `settings` are the effective ones. `others` are options of the library that are no settings.
    """

    def __init__(self, settings: Settings, mode: str, rules: Rules, others: Json) -> None:
        self.mode = mode
        self.doc = {rule.name: rules.follows_doc(rule.name) for rule in RULES}
        """Rule name -> whether the doc is followed; an unknown name is a KeyError."""
        self.given = settings.given
        self.others = others
        self.settings = dataclasses.replace(settings, **self._observed_defaults(settings))
        self.event_increments = self._event_increments()
        self.prop_increments = frozenset(
            name.lower() for name in self._listed("propIncrements", "property_increments")
        )
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
        """A list that Android's code does not read."""
        names: tuple[str, ...] = getattr(self.settings, setting)
        return names if self.mode != "android" or self.doc[rule] else ()

    def _event_increments(self) -> frozenset[str]:
        current, older = self.settings.eventIncrements, self.settings.increments
        if self.doc["older_increments"]:
            return frozenset(name.lower() for name in current + older)
        if self.mode == "android":
            return frozenset(older)
        return frozenset(name.lower() for name in current)

    def counts(self, event: str) -> bool:
        """Whether an event is one to increment; case counts in Android's code only."""
        exact = self.mode == "android" and not self.doc["older_increments"]
        return (event if exact else event.lower()) in self.event_increments


@lru_cache(maxsize=64)
def _cached(settings: Settings, given: frozenset[str], mode: str, rules: Rules) -> DevicePlan:
    return DevicePlan(settings, mode, rules, {})


def device_plan(
    settings: Settings, mode: str, rules: Rules, others: Json | None = None
) -> DevicePlan:
    """The plan of a session. Raises ValueError for a mode that is none of `MODES`."""
    if mode not in MODES:
        raise ValueError(f"unknown device mode {mode!r}; there are {', '.join(MODES)}")
    if others:
        return DevicePlan(settings, mode, rules, others)
    return _cached(settings, settings.given, mode, rules)
