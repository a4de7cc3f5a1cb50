"""The codes of all errors and skips, and the exceptions that carry them.

Which module raises what:

    settings.py             SettingsError     the settings cannot be used; nothing is sent
    properties/mapping.py   MappingError      the mapping file cannot be used; nothing is sent
    message.py              TranslationError  this message cannot be translated; the next one can
    values/json_values.py   TranslationError  the same, for a value that JSON cannot represent
    cloud/                  Skip              a part of the message is not sent, with the reason

Codes are stable and programs may compare them; the texts may change.
"""

from collections.abc import Iterable
from typing import NamedTuple

from translator.core.operations import Failure, Skip, skip_of


class Code(NamedTuple):
    """A stable code and its meaning."""

    code: str
    meaning: str


ERROR_CODES = (
    Code("not_json", "the line is not JSON"),
    Code("not_an_object", "the message is not a JSON object"),
    Code("missing_type", "the message has no `type`"),
    Code("unknown_type", "`type` is not one of Segment's six calls"),
    Code("unsupported_call", "the rule set does not support this call"),
    Code("invalid_field", "a field of the message has the wrong type"),
    Code(
        "invalid_value", "a value that JSON cannot represent: NaN, infinity, a lone surrogate, ..."
    ),
    Code("nesting_too_deep", "objects and arrays are nested too deeply"),
    Code("missing_id", "the call needs an id that the message does not have"),
    Code("missing_event_name", "the track call has no event name"),
    Code("timestamp_unparsable", "the timestamp cannot be read"),
    Code("timestamp_too_old", "the timestamp is more than five years in the past"),
    Code("api_secret_required", "events older than five days need the API secret"),
    Code("message_too_large", "the message is larger than Segment accepts (gateway only)"),
    Code("message_id_too_long", "messageId is longer than Segment accepts (gateway only)"),
    Code("no_user_anon_id", "Segment requires a userId or an anonymousId (gateway only)"),
    Code("batch_too_long", "the batch has more messages than Segment accepts (gateway only)"),
    Code("internal_error", "the translator failed; no part of the message was sent"),
)

SKIP_CODES = (
    Code("page_not_selected", "no page option selects this page or screen call"),
    Code("people_off", "profile updates need Use Mixpanel People"),
    Code("unknown_user", "increments need a userId, which the message does not have"),
    Code("not_a_number", "a property to increment, or a revenue, is not a number"),
    Code("group_not_configured", "no Group Identifier Traits are configured"),
    Code("group_trait_missing", "the call has none of the Group Identifier Traits"),
    Code("group_trait_invalid", "a group id must be text or a number"),
    Code("alias_to_itself", "previousId and userId are the same"),
    Code("date_unreadable", "the creation date cannot be read, so it is not sent"),
    Code("device_token_not_ios", "only iOS device tokens can be imported"),
    Code("super_properties_not_selected", "no setting selects these traits for events"),
    Code("context_traits_not_used", "only the call's own traits reach a profile"),
    Code("traits_not_used", "only identify and group calls send their traits"),
    Code("properties_not_used", "only track, page and screen calls send their properties"),
    Code("field_not_used", "calls of this type do not use this field of the message"),
    Code("people_properties_not_selected", "no setting selects these traits for profiles"),
    Code("name_taken", "another value of the same name is sent"),
    Code("integration_disabled", "the integrations object turns Mixpanel off for this message"),
    Code("bundled", "the app's own Mixpanel SDK has sent this message already"),
    Code("no_handler", "the library of this mode has no handler for this call"),
    Code("refused_by_library", "Segment's Android library refuses the call with an exception"),
    Code("no_effect", "the SDK gets the call, but it is known to ignore a part of it"),
    Code("reset_not_mapped", "the library does not pass `reset` on to Mixpanel's SDK"),
    Code("endpoint_in_manifest", "Android takes its endpoints from the app's manifest"),
    Code("forbidden_id", "Mixpanel refuses this id, so it was not used"),
)

_KNOWN = {row.code for row in ERROR_CODES + SKIP_CODES}


class SettingsError(ValueError):
    """The destination settings cannot be used. The text names the key and what to do."""


class MappingError(ValueError):
    """A mapping file is wrong. The text names the section and the property, and what to do."""


class TranslationError(ValueError):
    """A message cannot be translated.

    `failure` carries the stable code of `ERROR_CODES` and the text for people.
    """

    def __init__(self, code: str, message: str) -> None:
        assert code in _KNOWN, code
        super().__init__(message)
        self.failure = Failure(code, message)


def not_selected(names: Iterable[str]) -> Skip:
    """The skip of traits that no setting selects for profiles."""
    listed = ", ".join(names)
    reason = f"traits {listed:.200} are not set: they are not listed in 'peopleProperties'"
    return skip("people_properties_not_selected", reason)


def name_taken(kind: str, names: Iterable[str]) -> Skip:
    """The skip of values whose names other values have; `kind` says of what, such as `traits`."""
    listed = ", ".join(names)
    return skip("name_taken", f"{kind} {listed:.200} are not sent: other values have these names")


def skip(code: str, reason: str) -> Skip:
    """A skip with a code of `SKIP_CODES`."""
    assert code in _KNOWN, code
    return skip_of((code, reason))
