"""The shape of a message: the names of its fields and the types of their values, in order.

A client library sends every call of a type in the same shape. So a shape is checked once, and
`SHAPES` keeps the result.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from translator.core.bounded_cache import BoundedCache, is_short
from translator.core.message_fields import CALL_FIELDS, is_used

Shape = tuple[str | type, ...]
"""The names of the fields, then the types of their values."""

FIELD_TYPES: Mapping[str, tuple[frozenset[type], str]] = {
    **dict.fromkeys(
        ("userId", "anonymousId", "previousId", "groupId", "messageId"),
        (frozenset([str, int, float]), "text or a number"),
    ),
    **dict.fromkeys(
        ("properties", "traits", "context", "integrations"), (frozenset([dict]), "an object")
    ),
    "event": (frozenset([str]), "text"),
    **dict.fromkeys(("name", "category"), (frozenset([str, int, float]), "text")),
    "timestamp": (frozenset([str, int, float]), "ISO 8601 text or a unix timestamp"),
}
"""Field -> the types of its value in Python, and in words. Null is allowed everywhere."""

_NULL = type(None)
_ANY_CONTEXT = ("options", "context")
"""Old clients send the context as `options`; if a message has both, `options` counts."""


@dataclass(frozen=True, slots=True)  # its fields are read faster than those of a named tuple
class ShapeMeaning:
    """The properties that all messages of a shape share.

    `valid`: each field has a type of `FIELD_TYPES`. `context` is the field that holds the context,
    None if there is none. `may_be_held_back`: a field may say that the message is not to be sent.
    `complete_for` are the types of calls of which `unused_fields` has nothing to report.
    """

    valid: bool
    context: str | None
    may_be_held_back: bool
    complete_for: frozenset[str]


def _meaning(shape: Shape) -> ShapeMeaning:
    types = dict(zip(_names(shape), shape[len(shape) // 2 :], strict=True))
    objects = [name for name, kind in types.items() if kind is dict]
    present = [name for name, kind in types.items() if kind is not _NULL]
    return ShapeMeaning(
        all(types[name] in FIELD_TYPES[name][0] for name in present if name in FIELD_TYPES),
        next((name for name in _ANY_CONTEXT if name in objects), None),
        "integrations" in objects or "_metadata" in objects,
        frozenset(
            kind
            for kind in CALL_FIELDS
            if kind != "alias"  # it does not use the traits of its context either
            and "options" not in objects
            and all(is_used(kind, name) for name in present)
        ),
    )


def _names(shape: Shape) -> tuple[str, ...]:
    return shape[: len(shape) // 2]  # type: ignore[return-value]


SHAPES: BoundedCache[Shape, ShapeMeaning] = BoundedCache(
    _meaning, keeps=lambda shape, _: is_short(_names(shape))
)
"""The shape of a message -> the properties that all its messages share."""
