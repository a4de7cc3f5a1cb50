"""Segment Engage: from messages to the calls that tell Mixpanel of computed traits and audiences.

    engage = Engage(read_definitions(text))
    messages = engage.take(message, now_ms)   # what one message causes
    messages = engage.advance(now_ms)         # what time alone causes

The messages go through `translate` like any others.
"""

from translator.engage.definitions import (
    Audience,
    ComputedTrait,
    Definition,
    DefinitionsError,
    definitions_from_json,
    key_of,
    read_definitions,
)
from translator.engage.engine import Engage
from translator.engage.people import ExternalId
from translator.engage.unset import unset_operations

__all__ = [
    "Audience",
    "ComputedTrait",
    "Definition",
    "DefinitionsError",
    "Engage",
    "ExternalId",
    "definitions_from_json",
    "key_of",
    "read_definitions",
    "unset_operations",
]
