"""What a session knows that its next message may depend on."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from translator.core.errors import skip
from translator.core.operations import Json, Skip
from translator.device.compiled_settings import CompiledDeviceSettings


class Stored(Protocol):
    """What the SDK keeps: identity and super properties, as JSON."""

    def get_property(self, name: str) -> Any:
        """A stored property; None if there is none."""


@dataclass(frozen=True)
class SessionState:
    """The state before a message.

    `user_id` is the user that Segment's library knows, None before an identify and after a reset.
    """

    user_id: Any
    stored: Stored


@dataclass
class DeviceMessage:
    """A message as the library of its mode sees it; in web mode that is JavaScript's view."""

    kind: str
    raw: Json
    compiled: CompiledDeviceSettings
    state: SessionState
    skipped: list[Skip] = field(default_factory=list)

    def object_field(self, name: str) -> Json:
        """A field that holds an object; a copy, and empty if it is absent or of another type."""
        value = self.raw.get(name)
        return dict(value) if isinstance(value, dict) else {}

    def skip(self, code: str, reason: str) -> None:
        """Note something that the message asked for and that is not done."""
        self.skipped.append(skip(code, reason))
