"""The Segment calls that send a value to Mixpanel.

doc#using-engage-computed-traits-with-mixpanel, doc#using-engage-audiences-with-mixpanel and
doc#mixpanel-engage-details. The id of a message is a hash of its content, so that sending it again
gives the same message and the same event in Mixpanel.
"""

from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256

import orjson

from translator.core.operations import Json
from translator.core.values.timestamps import iso_milliseconds
from translator.engage.definitions import ComputedTrait, Definition
from translator.engage.people import ExternalId, Sent


def messages(definition: Definition, external: ExternalId, sent: Sent) -> Iterator[Json]:
    """The calls for one external id: identify before track, because the profile comes first."""
    if isinstance(definition, ComputedTrait) or definition.identify:
        yield _identify(definition.key, external, sent)
    if not isinstance(definition, ComputedTrait) and definition.track:
        event = definition.enter_event if sent.value else definition.exit_event
        yield _track(definition.key, event, external, sent)


def _identify(key: str, external: ExternalId, sent: Sent) -> Json:
    traits: Json = {key: sent.value}
    if external.email is not None:
        # The address comes last: it replaces the value of a definition called `email`.
        traits["email"] = external.email
    return {**_head("identify", "identify", key, external, sent), "traits": traits}


def _track(key: str, event: str, external: ExternalId, sent: Sent) -> Json:
    message = {
        **_head("track", event, key, external, sent),
        "event": event,
        "properties": {"audience_key": key, key: sent.value},
    }
    if external.email is not None:
        message["context"] = {"traits": {"email": external.email}}
    return message


def _head(kind: str, name: str, key: str, external: ExternalId, sent: Sent) -> Json:
    field, id, email = external
    # 36 characters, so that it is valid as an insert id too: some translators use it as one.
    told = orjson.dumps([name, key, field, str(id), email, *sent])
    return {
        "type": kind,
        "messageId": f"engage-{sha256(told).hexdigest()[:29]}",
        field: id,
        "timestamp": _iso_milliseconds(sent.since_ms),
    }


_iso_milliseconds = lru_cache(maxsize=16)(iso_milliseconds)
"""Many calls of one hour have the same time."""
