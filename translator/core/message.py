"""A checked view of a Segment message: its ids, its time, and the fields of every call.

Ids follow doc#distinct-id: userId, else anonymousId. Age limits:
docs/facts/cloud-classic.md#validation.
"""

from typing import Any

from translator.core.compiled_settings import CompiledSettings
from translator.core.errors import TranslationError, skip
from translator.core.message_shape import FIELD_TYPES, SHAPES
from translator.core.operations import Json, OperationOrSkip, Skip
from translator.core.values.json_values import check, detached
from translator.core.values.timestamps import IMPORT_AGE_MS, MAX_AGE_MS, iso_seconds, parse
from translator.suggestions import suggestion

CALLS = ("track", "page", "screen", "identify", "group", "alias")

FORBIDDEN_IDS = frozenset(
    [
        *("00000000-0000-0000-0000-000000000000", "anon", "anonymous", "nil", "none", "null"),
        *("n/a", "na", "undefined", "unknown", "<nil>", "0", "-1", "true", "false", "[]", "{}"),
    ]
)
"""Ids that Mixpanel refuses, compared in lower case
(docs/facts/mixpanel-http-api.md#strict-validation)."""

_EMPTY: Json = {}


class Message:
    """A Segment message that can be translated. It never changes the original message.

    `time_ms` is the time of the call in milliseconds since 1970, None if it cannot be read. `old`
    is true if its events belong to /import. `refused_ids` are the reasons why ids of
    the message were not used.
    """

    __slots__ = (
        "anonymous_id",
        "context",
        "distinct_id",
        "id",
        "kind",
        "old",
        "raw",
        "refused_ids",
        "shape",
        "time_ms",
        "user_id",
    )

    def __init__(self, raw: Json, compiled: CompiledSettings, now_ms: int | None) -> None:
        """Raises `TranslationError` for a message that cannot be translated."""
        self.raw = raw
        kind = raw.get("type")
        self.kind = kind if type(kind) is str and kind in CALLS else kind_of(raw)
        shape = self.shape = SHAPES[(*raw, *map(type, raw.values()))]
        if not shape.valid and compiled.doc["field_types"]:
            check_types(raw)
        # An empty messageId counts as absent: otherwise all such messages had one insert id.
        message_id = raw.get("messageId")
        self.id: str | float | None = None if message_id == "" else message_id
        self.refused_ids: tuple[Skip, ...] = ()
        self.user_id: Any = raw.get("userId")
        if not _is_usual_id(self.user_id):
            self.user_id, self.refused_ids = self.usable_id(compiled, "userId")
        self.anonymous_id: Any = raw.get("anonymousId")
        if self.anonymous_id is not None and not _is_usual_id(self.anonymous_id):
            self.anonymous_id, no_anonymous = self.usable_id(compiled, "anonymousId")
            self.refused_ids += no_anonymous
        self.distinct_id = self.user_id or self.anonymous_id
        if self.distinct_id is None:
            self.distinct_id, no_session = self.usable_id(compiled, "sessionId")
            self.refused_ids += no_session
        self.context: Json = _EMPTY if shape.context is None else raw[shape.context]
        time_ms = parse(raw.get("timestamp"))
        if time_ms is None:
            time_ms = self._without_time(compiled, now_ms)
        self.time_ms = time_ms
        if now_ms is None:
            now_ms = parse(raw.get("receivedAt")) or parse(raw.get("sentAt"))
        self.old = False
        if now_ms is not None and time_ms is not None and now_ms - time_ms > IMPORT_AGE_MS:
            self.old = True
            self._check_age(compiled, time_ms, now_ms)

    def people(self) -> tuple[str | float, ...]:
        """The ids of the person: the distinct id, and for an alias userId and anonymousId."""
        if self.kind == "alias":
            ids = self.user_id, self.anonymous_id
            return tuple([one for one in ids if one is not None])
        return () if self.distinct_id is None else (self.distinct_id,)

    def usable_id(self, compiled: CompiledSettings, *fields: str) -> tuple[Any, tuple[Skip, ...]]:
        """The first of the fields that holds an id, or None, and the reasons for ids not used.

        A forbidden id counts as absent. Raises `TranslationError` for one of the wrong type.
        """
        refused: tuple[Skip, ...] = ()
        for field in fields:
            value = self.raw.get(field)
            if value is None or value == "":
                continue
            if _is_usual_id(value):
                return value, refused
            if compiled.doc["field_types"] and type(value) not in (str, int, float):
                raise _wrong(field, value, "text or a number")
            if compiled.doc["forbidden_ids"] and (
                value == 0 or str(value).strip().lower() in FORBIDDEN_IDS
            ):
                reason = f"{field} {value!r} is refused by Mixpanel, so it counts as absent"
                refused += (skip("forbidden_id", reason),)
            elif value:
                return detached(value), refused
        return None, refused

    def object_field(self, field: str) -> Json:
        """The object in a field; empty if the field is absent or has another type."""
        value = self.raw.get(field)
        return value if type(value) is dict else _EMPTY

    def unused_context_traits(self) -> list[OperationOrSkip]:
        """The reason why traits in the context of a call with traits of its own are not used."""
        own, others = self.raw.get("traits"), self.context.get("traits")
        if type(others) is not dict:
            return []
        if type(own) is not dict:
            own = {}
        left_out = [
            key for key, value in others.items() if value is not None and own.get(key) != value
        ]
        if left_out:
            names = ", ".join(left_out)
            reason = f"context.traits {names:.200} are not used: {self.kind} calls use 'traits'"
            return [skip("context_traits_not_used", reason)]
        return []

    def text_field(self, field: str) -> str:
        """The text in a field; empty if it is absent. A number becomes text."""
        value = self.raw.get(field)
        if type(value) is str:
            return value
        return "" if value is None or isinstance(value, bool | dict | list) else str(value)

    def _without_time(self, compiled: CompiledSettings, now_ms: int | None) -> int | None:
        """The time of a message whose timestamp is absent or cannot be read."""
        value = self.raw.get("timestamp")
        if value is None:
            return now_ms if compiled.doc["timestamps"] or "timestamp" not in self.raw else 0
        if compiled.doc["timestamps"]:
            raise TranslationError(
                "timestamp_unparsable",
                f"timestamp {value!r:.80} cannot be read; send ISO 8601, such as "
                "2026-06-15T12:00:00.000Z",
            )
        return None

    def _check_age(self, compiled: CompiledSettings, time_ms: int, now_ms: int) -> None:
        """Raise `TranslationError` if a message that is old is not accepted."""
        if now_ms - time_ms > MAX_AGE_MS:
            raise _too_old(time_ms)
        if self.kind in ("track", "screen") and not compiled.doc["import_secret"]:
            require_secret(compiled)


def _is_usual_id(value: object) -> bool:
    """Whether a value is text that Mixpanel accepts as an id."""
    return type(value) is str and value != "" and value.strip().lower() not in FORBIDDEN_IDS


def _too_old(time_ms: int) -> TranslationError:
    moment = iso_seconds(time_ms)
    # doc: the FAQ on timestamps that display 1970-01-01.
    hint = "; the library that sent it expects a UNIX timestamp" if moment < "1971" else ""
    text = f"Timestamp must be within the last 5 years: timestamp is {moment}{hint}"
    return TranslationError("timestamp_too_old", text)


def require_secret(compiled: CompiledSettings) -> None:
    """Raise `TranslationError` if there is no API secret for /import."""
    if not compiled.settings.apiSecret:
        raise TranslationError(
            "api_secret_required",
            "the event is older than 5 days and must go to /import, which needs the API secret; "
            "set 'apiSecret' in the destination settings",
        )


def kind_of(raw: Json, calls: tuple[str, ...] = CALLS) -> str:
    """The `type` of a message. Raises `TranslationError` if it is not one of the six calls."""
    kind = raw.get("type")
    if type(kind) is str and kind in calls:
        return kind
    if kind is None or kind == "":
        raise TranslationError("missing_type", f"type is missing; known: {', '.join(calls)}")
    hint = suggestion(str(kind).lower(), calls)
    raise TranslationError("unknown_type", f"type {kind!r:.80} is not a Segment call{hint}")


def check_types(raw: Json) -> None:
    """Raise `TranslationError` for a field of the wrong type."""
    # The first wrong field in the order of the table, whatever the order in the message.
    for field, (kinds, expected) in FIELD_TYPES.items():
        value = raw.get(field)
        if value is not None and type(value) not in kinds:
            raise _wrong(field, value, expected)


def _wrong(field: str, value: object, expected: str) -> TranslationError:
    return TranslationError("invalid_field", f"{field} must be {expected}, not {value!r:.80}")


def message_id(raw: Any) -> str | float | None:
    """The messageId if it can identify a result, else None."""
    found = raw.get("messageId") if type(raw) is dict else None
    if type(found) is str and found.isascii():
        return found
    if type(found) not in (str, int, float):
        return None
    try:
        check(found)
    except TranslationError:
        return None
    return found


def turned_off(raw: Json, names: tuple[str, ...]) -> bool:
    """Whether the `integrations` object turns off a destination with any of these names."""
    integrations = raw.get("integrations")
    if type(integrations) is not dict or not integrations:
        return False
    named = [integrations[name] for name in names if name in integrations]
    if named:
        return any(value is False for value in named)
    return integrations.get("All", integrations.get("all")) is False


def is_bundled(raw: Json, names: tuple[str, ...]) -> bool:
    """Whether the app or page that made the call has delivered it to the destination itself.

    Segment's client libraries list in `_metadata.bundled` the destinations whose SDK is part of the
    app (segmentio/analytics-swift#116, segmentio/analytics-kotlin#114).
    """
    metadata = raw.get("_metadata")
    bundled = metadata.get("bundled") if type(metadata) is dict else None
    return type(bundled) is list and any(name in bundled for name in names)
