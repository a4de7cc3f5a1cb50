"""Checks a JSON value against a JSON Schema, with messages for the author of the value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from translator.suggestions import suggestion

if TYPE_CHECKING:  # jsonschema takes longer to import than most messages to translate
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError


SHOWN_CHARACTERS = 120
"""Characters that are shown of each end of a long message."""


def schema_mistakes(
    validator: Draft202012Validator, data: Any, whole: str, *, likeness: float = 0.5
) -> Iterator[str]:
    """Every mistake, with its place, in order of place.

    `whole` names the value as a whole. An unknown key comes with the nearest known key, if their
    similarity is at least `likeness` (0 to 1).
    """
    errors = sorted(validator.iter_errors(data), key=lambda error: list(map(str, error.path)))
    for error in errors:
        where = error.json_path.removeprefix("$").removeprefix(".") or whole
        if error.validator == "additionalProperties":
            for key, known in _unknown_keys(error):
                yield f"{where}: unknown key {key!r}{suggestion(key, known, likeness)}"
        else:
            yield f"{where}: {_brief(error.message)}"


def _brief(message: str) -> str:
    """A message without the middle of a long value that it quotes."""
    if len(message) <= 2 * SHOWN_CHARACTERS:
        return message
    return f"{message[:SHOWN_CHARACTERS]} ... {message[-SHOWN_CHARACTERS:]}"


def _unknown_keys(error: ValidationError) -> Iterator[tuple[str, Iterable[str]]]:
    assert isinstance(error.schema, dict)
    assert isinstance(error.instance, dict)
    known = error.schema["properties"]
    for key in error.instance:
        if key not in known:
            yield key, known
