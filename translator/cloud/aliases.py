"""Alias calls: the previous id gets another name.

doc#alias; docs/facts/cloud-classic.md#alias. `distinct_id` is the id Mixpanel knows, `alias` the
new one; swapped, they would alias the new person to the old one, and that cannot be undone. Nothing
else goes with it: no time, no insert id, no ip (requests carry `ip=0`).
"""

from typing import Any

from translator.core.compiled_settings import CompiledSettings
from translator.core.errors import TranslationError, skip
from translator.core.message import Message
from translator.core.operations import Json, Operation


def alias_ids(message: Message, compiled: CompiledSettings) -> tuple[Any, Any]:
    """The previous id and the user id. Raises `TranslationError` if one of them is missing."""
    previous = message.usable_id(compiled, "previousId", "from")
    user = message.user_id or message.usable_id(compiled, "to")
    if compiled.doc["missing_ids"] and (previous is None or user is None):
        missing = "previousId" if previous is None else "userId"
        text = f"alias needs a previousId and a userId; this message has no {missing}"
        raise TranslationError("missing_id", text)
    return previous, user


def alias_operations(message: Message, compiled: CompiledSettings) -> list[Operation]:
    """One `$create_alias` event, always for /track.

    Raises `TranslationError` if one of the two ids is missing.
    """
    previous, user = alias_ids(message, compiled)
    if previous == user and compiled.doc["alias_to_itself"]:
        reason = f"previousId and userId are both {user!r:.80}; an alias to itself does nothing"
        message.skipped.append(skip("alias_to_itself", reason))
        return []
    properties: Json = {"token": compiled.token}
    if previous is not None:
        properties["distinct_id"] = previous
    if user is not None:
        properties["alias"] = user
    payload = {"event": "$create_alias", "properties": properties}
    return [Operation("/track", compiled.host, payload)]
