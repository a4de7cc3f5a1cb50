"""The `$insert_id` of an event.

Source: doc#insert-id: `uuidv5("{messageId}:{projectId}:{eventName}", MIXPANEL_NAMESPACE)`. The doc
does not give the namespace; ours is the DNS UUID of `mixpanel.com` (decision:insert-id-namespace).
The same message always gets the same id, so a retry or a second translation gives one event. Events
of one message with different names get different ids.
"""

from hashlib import sha1
from uuid import NAMESPACE_DNS, uuid5

MIXPANEL_NAMESPACE = uuid5(NAMESPACE_DNS, "mixpanel.com")

# Version 5 UUIDs are SHA-1 hashes; nothing here is secret.
_PREFIX = sha1(MIXPANEL_NAMESPACE.bytes, usedforsecurity=False)

# The digit that carries the variant of the UUID: its two highest bits are 1 and 0.
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def insert_id(message_id: str | float, project_id: str | int, event: str) -> str:
    """The version 5 UUID as 36 characters. It avoids the cost of a UUID object."""
    digest = _PREFIX.copy()
    digest.update(f"{message_id}:{project_id}:{event}".encode())
    text = digest.hexdigest()
    variant = _VARIANTS[text[16]]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"
