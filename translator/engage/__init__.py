"""Segment Engage: computes traits and audiences from messages, and the calls that send them.

    engage = Engage(read_definitions(text))
    messages = engage.take(message, now_ms)   # the calls that a message causes
    messages = engage.advance(now_ms)         # the calls that the passing of time causes

`translate` takes these messages like any others.
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
