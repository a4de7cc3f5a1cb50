"""A message in device mode, and the state of the session before it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from translator.core.operations import Json, Skip
from translator.device.calls import MethodCall
from translator.device.compiled_settings import CompiledDeviceSettings


class Stored(Protocol):
    """The data that the SDK stores: identity and super properties, as JSON."""

    def get_property(self, name: str) -> Any:
        """A stored property; None if it does not exist."""


@dataclass(frozen=True)
class SessionState:
    """The state before a message.

    `user_id` is the user that Segment's library knows. It is None before an identify call and after
    a reset.
    """

    user_id: Any
    stored: Stored


@dataclass(frozen=True)
class DeviceMessage:
    """A message as the library of its mode reads it. In web mode its values are JavaScript's."""

    kind: str
    raw: Json
    compiled: CompiledDeviceSettings
    state: SessionState

    def object_field(self, name: str) -> Json:
        """A copy of a field that holds an object; empty if it is absent or of another type."""
        value = self.raw.get(name)
        return dict(value) if isinstance(value, dict) else {}


CallOrSkip = MethodCall | Skip
"""The items that a handler returns, in order: calls to make, and reasons for skipped parts."""


class DecidedCalls(NamedTuple):
    """The calls of a message, before they are made, and the reasons for what is left out."""

    calls: list[MethodCall]
    skipped: list[Skip]

    @classmethod
    def of(cls, parts: Iterable[CallOrSkip]) -> "DecidedCalls":
        """The parts of a handler, sorted into calls and reasons."""
        decided = cls([], [])
        for part in parts:
            if isinstance(part, Skip):
                decided.skipped.append(part)
            else:
                decided.calls.append(part)
        return decided
