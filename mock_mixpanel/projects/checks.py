"""Checks of single values that several project options share."""

from collections.abc import Callable, Sequence
from typing import Any

from mock_mixpanel.suggestions import suggestion

Check = Callable[[Any, str], Any]
"""Gives the checked value; raises ConfigError with the place, its second argument."""


class ConfigError(ValueError):
    """An unknown option or an invalid value; the message names it and says what to do."""


def check_name(name: str, known: Sequence[str], where: str) -> None:
    """Raise ConfigError for an unknown name; the message suggests the nearest known one."""
    if name not in known:
        raise ConfigError(f"{where}.{name}: unknown option{suggestion(name, known)}")


def text_of(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where}: expected a text that is not empty, got {kind_of(value)}")
    return value


def boolean_of(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{where}: expected true or false, got {kind_of(value)}")
    return value


def kind_of(value: Any) -> str:
    """The type of a value in words, without the value, which may be a secret."""
    names: dict[type, str] = {
        type(None): "null",
        bool: "a boolean",
        str: "a text",
        dict: "an object",
    }
    return "an empty text" if value == "" else names.get(type(value), f"a {type(value).__name__}")
