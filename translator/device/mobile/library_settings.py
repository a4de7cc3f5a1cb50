"""Settings as the mobile libraries read them from Segment's answer, without any check.

`Settings` refuses a value of the wrong type, because a guess would silently change what is
sent. The libraries guess, each in its own way. A recorded session has settings as they were given
to the library, so its replay reads them as the library does.
Sources: docs/facts/device-android-observed.md#start-up, docs/facts/device-ios-observed.md#start.
"""

from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from typing import Any

from translator.core.operations import Json
from translator.core.settings import Settings, StringList
from translator.device.mobile import java, objective_c


class LibrarySettings(Settings):
    """Settings that may be what `Settings` refuses: the token may be None or empty."""

    def __post_init__(self) -> None:
        """Nothing is checked."""


def library_settings(mode: str, values: Json) -> Settings | None:
    """The settings that the library of a mobile mode reads from a JSON object.

    None if the library does not create the integration, which then makes no calls: on Android if
    the object is empty. Keys that the destination does not have are left out.
    """
    if not values and mode == "android":
        return None
    reader = _READERS[mode]
    found: dict[str, Any] = {"token": None}
    for row in fields(Settings):
        if row.name in values:
            found |= reader(row, values[row.name])
    return LibrarySettings(**found)


def _android(row: Field[Any], value: Any) -> dict[str, Any]:
    """Flags and text by Java's conversions. A value that means the default is left out."""
    if row.name == "token":
        return {row.name: java.string(value)}
    if row.type is bool:
        given = isinstance(value, bool | str)
        return {row.name: java.boolean(value, False)} if given else {}
    if row.type == StringList:
        texts = isinstance(value, list) and all(isinstance(item, str | None) for item in value)
        return {row.name: tuple(value) if texts else ()}
    return _plain(row, value)


def _ios(row: Field[Any], value: Any) -> dict[str, Any]:
    """Flags by `boolValue`. Null and lists that are not lists of text count as absent."""
    if row.type is bool:
        known = isinstance(value, bool | int | float | str)
        return {row.name: objective_c.truth(value)} if known else {}
    if row.type == StringList:
        texts = value if isinstance(value, list) else []
        return {row.name: tuple(item for item in texts if isinstance(item, str))}
    return _plain(row, value)


def _plain(row: Field[Any], value: Any) -> dict[str, Any]:
    """A setting of another kind. Only the token of iOS has an effect on calls."""
    return {row.name: value} if isinstance(value, str | int | float) else {}


_READERS: Mapping[str, Callable[[Field[Any], Any], dict[str, Any]]] = {
    "android": _android,
    "ios": _ios,
}
