"""Variants of our own translator (settings, rules and mapping), and the steps from one to another.

Each step has a name: a rule, a setting or a mapping row. Taken one after the other, the steps turn
one variant into the other; what changes at a step is caused by it.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

from translator import PropertyMap, Rules, Settings
from translator.core.compiled_settings import CompiledSettings, compile_settings
from translator.core.properties.mapping import STANDARD
from translator.core.rules import RULES


@dataclass(frozen=True)
class Variant:
    """The settings, rules and mapping of our translator."""

    settings: Settings
    rules: Rules
    mapping: PropertyMap = STANDARD

    @cached_property
    def compiled(self) -> CompiledSettings:
        """The compiled settings."""
        return compile_settings(self.settings, self.rules, self.mapping)


class VariantStep(NamedTuple):
    """One difference between two variants; `take` makes it in any variant."""

    name: str
    take: Callable[[Variant], Variant]


@lru_cache(maxsize=256)
def steps(old: Variant, new: Variant) -> tuple[VariantStep, ...]:
    """The steps from one variant to another, in the order of the tables."""
    return (
        *_rule_steps(old.rules, new.rules),
        *_setting_steps(old, new),
        *_row_steps(old, new),
    )


def _rule_steps(old: Rules, new: Rules) -> list[VariantStep]:
    def step(name: str, documented: bool) -> VariantStep:
        def take(variant: Variant) -> Variant:
            names = {rule.name for rule in RULES if variant.rules.follows_doc(rule.name)}
            names = names | {name} if documented else names - {name}
            return replace(variant, rules=Rules(frozenset(names)))

        return VariantStep(f"rule {name}", take)

    return [
        step(rule.name, new.follows_doc(rule.name))
        for rule in RULES
        if old.follows_doc(rule.name) != new.follows_doc(rule.name)
    ]


def _setting_steps(old: Variant, new: Variant) -> list[VariantStep]:
    def step(name: str) -> VariantStep:
        value = getattr(new.settings, name)

        def take(variant: Variant) -> Variant:
            return replace(variant, settings=replace(variant.settings, **{name: value}))

        return VariantStep(f"setting {name}", take)

    return [
        step(row.name)
        for row in fields(Settings)
        if getattr(old.settings, row.name) != getattr(new.settings, row.name)
    ]


def _row_steps(old: Variant, new: Variant) -> list[VariantStep]:
    before, after = _sources(old.mapping), _sources(new.mapping)

    def step(section: str, name: str) -> VariantStep:
        sources = after.get((section, name), ())

        def take(variant: Variant) -> Variant:
            return replace(variant, mapping=variant.mapping.changed(section, name, sources))

        return VariantStep(f"mapping {section}.{name}", take)

    return [step(*place) for place in before | after if before.get(place) != after.get(place)]


def _sources(mapping: PropertyMap) -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for section, name, source in mapping.rows:
        found[section, name] = (*found.get((section, name), ()), source)
    return found
