"""Building blocks of mutants."""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from conformance.targets.engage_calls import MakeEngage
from conformance.targets.target import Translate
from translator import Operation, Result, Rules, Session, translate
from translator.core.rules import RULES
from translator.engage import Engage

EVENT_ENDPOINTS = ("/track", "/import")


class Broken(NamedTuple):
    """A mutant: its name, its bug in a sentence, and a source where this bug was seen."""

    name: str
    bug: str
    source: str
    caught_by: str
    translate: Translate = translate
    engage: MakeEngage = Engage
    session: Callable[..., Session] = Session


def with_changed_operations(change: Callable[[Operation, Any], Operation]) -> Translate:
    """Our translator, with a change to every operation; `change` also gets the message."""

    def broken(message: Any, settings: Any, **options: Any) -> Result:
        result = translate(message, settings, **options)
        changed = [change(copy.deepcopy(operation), message) for operation in result.operations]
        return result._replace(operations=tuple(changed))

    return broken


def with_changed_message(change: Callable[[Any], Any]) -> Translate:
    """Our translator, with a changed message; `change` must not modify its input."""

    def broken(message: Any, settings: Any, **options: Any) -> Result:
        heard = change(message) if isinstance(message, dict) else message
        return translate(heard, settings, **options)

    return broken


def without_rule(name: str) -> Translate:
    """Our translator, which does not follow the doc in one rule."""

    def broken(message: Any, settings: Any, *, rules: Rules, **options: Any) -> Result:
        followed = {rule.name for rule in RULES if rules.follows_doc(rule.name)} - {name}
        return translate(message, settings, rules=Rules(frozenset(followed)), **options)

    Rules.observed().follows_doc(name)  # a KeyError, now, for a rule that does not exist
    return broken


def is_event(operation: Operation) -> bool:
    """Whether the operation is an event, aliases included."""
    return operation.endpoint in EVENT_ENDPOINTS
