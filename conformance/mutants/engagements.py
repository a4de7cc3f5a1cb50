"""Bugs in computed traits and audiences: members, recipients, frequency and time of results."""

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from conformance.mutants.tools import Broken
from conformance.spec.scenarios.loading import Json
from conformance.targets.engage_calls import MakeEngage
from translator.core.values.timestamps import iso_milliseconds
from translator.engage import Audience, ComputedTrait, Definition, Engage
from translator.engage.computations.parts import HOUR_MS
from translator.engage.definitions import Condition

Made = list[Json]


def _with_changed_definitions(change: Callable[[Definition], Definition]) -> MakeEngage:
    """Our Engage, with changed definitions."""
    return lambda definitions: Engage([change(each) for each in definitions])


def _with_changed_conditions(**other: Any) -> MakeEngage:
    """Our Engage, with a change in every condition of an audience."""

    def change(definition: Definition) -> Definition:
        if isinstance(definition, ComputedTrait):
            return definition
        groups = [[each._replace(**other) for each in group] for group in definition.groups]
        return definition._replace(groups=tuple(map(tuple[Condition, ...], groups)))

    return _with_changed_definitions(change)


def _with_changed_message(change: Callable[[Json, int], Json | None]) -> MakeEngage:
    """Our Engage, with a changed message, or without the message."""

    class Hearing(Engage):
        def take(self, message: Any, now_ms: int) -> Made:
            heard = change(dict(message), now_ms)
            return [] if heard is None else super().take(heard, now_ms)

    return Hearing


def _with_changed_output(change: Callable[[Made], Made]) -> MakeEngage:
    """Our Engage, with a change in every list of messages that it returns."""

    class Saying(Engage):
        def take(self, message: Any, now_ms: int) -> Made:
            return change(super().take(message, now_ms))

        def advance(self, now_ms: int) -> Made:
            return change(super().advance(now_ms))

        def resync(self, key: str) -> Made:
            return change(super().resync(key))

    return Saying


class _TellsEverybody(Engage):
    def __init__(self, definitions: Iterable[Definition], **options: Any) -> None:
        given = list(definitions)
        super().__init__(given, **options)
        self._keys = [each.key for each in given]

    def advance(self, now_ms: int) -> Made:
        return super().advance(now_ms) + [made for key in self._keys for made in self.resync(key)]


class _CannotWait(Engage):
    def take(self, message: Any, now_ms: int) -> Made:
        return super().take(message, now_ms) + self.advance(now_ms + HOUR_MS)


class _DeletesNothing(Engage):
    def delete(self, key: str) -> None:
        pass


def _no_exits(made: Made) -> Made:
    return [
        message
        for message in made
        if False
        not in [*message.get("traits", {}).values(), *message.get("properties", {}).values()]
    ]


def _last_address(made: Made) -> Made:
    return list({(each["type"], each.get("userId")): each for each in made}.values())


def _random_ids(made: Made) -> Made:
    return [{**message, "messageId": str(uuid.uuid4())} for message in made]


def _capital_key(definition: Definition) -> Definition:
    return definition._replace(key=definition.key.replace("_", " ").title())


def _usual_names(definition: Definition) -> Definition:
    if isinstance(definition, Audience):
        usual = Audience(definition.key, definition.groups)
        return definition._replace(enter_event=usual.enter_event, exit_event=usual.exit_event)
    return definition


def _all_history(definition: Definition) -> Definition:
    if isinstance(definition, ComputedTrait):
        return definition._replace(days=None)
    groups = [tuple(each._replace(days=None) for each in group) for group in definition.groups]
    return definition._replace(groups=tuple(groups))


def _unconditional(definition: Definition) -> Definition:
    if isinstance(definition, ComputedTrait):
        return definition._replace(rule=definition.rule._replace(where=()))
    return definition


ENGAGEMENTS = (
    Broken(
        "audience-never-exited",
        "No exit is sent when a user leaves an audience.",
        "doc#using-engage-audiences-with-mixpanel",
        "engage/audience-*",
        engage=_with_changed_output(_no_exits),
    ),
    Broken(
        "audience-sent-to-everybody",
        "Every sync sends every member again, not the changes.",
        "doc#using-engage-audiences-with-mixpanel",
        "engage/first-sync*",
        engage=_TellsEverybody,
    ),
    Broken(
        "audience-names-ignored",
        "The names that were entered for the events of an audience do nothing.",
        "doc#using-engage-audiences-with-mixpanel",
        "engage/audience-*",
        engage=_with_changed_definitions(_usual_names),
    ),
    Broken(
        "audience-key-as-named",
        "The name of a trait or audience keeps its capitals and spaces.",
        "doc#mixpanel-engage-details",
        "engage/key-*",
        engage=_with_changed_definitions(_capital_key),
    ),
    Broken(
        "engage-ids-random",
        "A repeated call gets a new messageId, so events double with every sync.",
        "doc#insert-id",
        "engage/resync-*",
        engage=_with_changed_output(_random_ids),
    ),
    Broken(
        "engage-only-last-address",
        "Only the last of a user's external ids is sent.",
        "doc#if-a-user-has-multiple-external-ids-in-segment-what-happens-when-they-enter-an-audience-or-have-a-computed-trait",
        "engage/three-*",
        engage=_with_changed_output(_last_address),
    ),
    Broken(
        "engage-first-address-wins",
        "The address given first is sent last, and becomes the address of record.",
        "doc#if-a-user-has-multiple-external-ids-in-segment-what-happens-when-they-enter-an-audience-or-have-a-computed-trait",
        "engage/three-*",
        engage=_with_changed_output(lambda made: made[::-1]),
    ),
    Broken(
        "engage-without-windows",
        "A lookback window limits nothing.",
        "doc#using-mixpanel-with-engage",
        "engage/*window*",
        engage=_with_changed_definitions(_all_history),
    ),
    Broken(
        "engage-windows-at-once",
        "Definitions with a lookback window are updated with every message, not hourly.",
        "doc#using-mixpanel-with-engage",
        "engage/window-hourly",
        engage=_CannotWait,
    ),
    Broken(
        "engage-once-is-enough",
        "One event is enough for membership, whatever count the condition requires.",
        "doc#using-engage-audiences-with-mixpanel",
        "engage/at-least-*",
        engage=_with_changed_conditions(at_least=1),
    ),
    Broken(
        "engage-no-then",
        "The second event of a sequence is ignored.",
        "doc#using-engage-audiences-with-mixpanel",
        "engage/then-*",
        engage=_with_changed_conditions(then=None),
    ),
    Broken(
        "engage-unconditional",
        "Conditions on properties of a computed trait are ignored.",
        "doc#using-engage-computed-traits-with-mixpanel",
        "engage/*conditions",
        engage=_with_changed_definitions(_unconditional),
    ),
    Broken(
        "engage-sends-anonymous",
        "Anonymous visitors are sent although they are not included.",
        "doc#using-engage-audiences-with-mixpanel",
        "engage/anonymous-*",
        engage=_with_changed_definitions(
            lambda definition: definition._replace(include_anonymous=True)
        ),
    ),
    Broken(
        "engage-no-merge",
        "An alias does not move the visitor's events to the user.",
        "doc#using-engage-computed-traits-with-mixpanel",
        "engage/anonymous-*",
        engage=_with_changed_message(
            lambda message, now_ms: None if message["type"] == "alias" else message
        ),
    ),
    Broken(
        "engage-repeats-count",
        "A message that arrives twice counts twice.",
        "decision:engage-late-and-repeated",
        "engage/repeated-*",
        engage=_with_changed_message(lambda message, now_ms: message | {"messageId": None}),
    ),
    Broken(
        "engage-counts-on-arrival",
        "A late message counts at its time of arrival.",
        "decision:engage-late-and-repeated",
        "engage/late-*",
        engage=_with_changed_message(
            lambda message, now_ms: message | {"timestamp": iso_milliseconds(now_ms)}
        ),
    ),
    Broken(
        "engage-deletes-nothing",
        "A deleted audience is still computed and sent.",
        "doc#what-happens-if-i-delete-an-audience-or-trait-in-segment",
        "engage/deleted*",
        engage=_DeletesNothing,
    ),
)
