"""Alias calls: the userId becomes another name of the previous id.

Sources: doc#alias, docs/facts/cloud-classic.md#alias. `distinct_id` is the id that Mixpanel knows,
`alias` the new one; if they were swapped, the person could not be restored. The event has no other
properties: no time, no insert id, no ip (the request has `ip=0`).
"""

from typing import Any, NamedTuple

from translator.core.compiled_settings import CompiledSettings
from translator.core.errors import TranslationError, skip
from translator.core.message import Message
from translator.core.operations import Json, Operation, OperationOrSkip, Skip


class AliasIds(NamedTuple):
    """The two ids of an alias. `refused_ids` are the reasons why other ids were not used."""

    previous: Any
    user: Any
    refused_ids: tuple[Skip, ...]


def alias_ids(message: Message, compiled: CompiledSettings) -> AliasIds:
    """The ids of an alias call. Raises `TranslationError` if one of them is missing."""
    previous, refused = message.usable_id(compiled, "previousId", "from")
    user = message.user_id
    if user is None:
        user, others = message.usable_id(compiled, "to")
        refused += others
    if compiled.doc["missing_ids"] and (previous is None or user is None):
        missing = "previousId" if previous is None else "userId"
        text = f"alias needs a previousId and a userId; this message has no {missing}"
        raise TranslationError("missing_id", text)
    return AliasIds(previous, user, refused)


def alias_operations(message: Message, compiled: CompiledSettings) -> list[OperationOrSkip]:
    """One `$create_alias` event, always for /track.

    Raises `TranslationError` if one of the two ids is missing.
    """
    previous, user, refused_ids = alias_ids(message, compiled)
    if previous == user and compiled.doc["alias_to_itself"]:
        reason = f"previousId and userId are both {user!r:.80}; such an alias has no effect"
        return [*refused_ids, skip("alias_to_itself", reason)]
    properties: Json = {"token": compiled.token}
    if previous is not None:
        properties["distinct_id"] = previous
    if user is not None:
        properties["alias"] = user
    payload = {"event": "$create_alias", "properties": properties}
    return [*refused_ids, Operation("/track", compiled.host, payload)]
