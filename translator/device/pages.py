"""Page and screen calls become at most one event, named by the first option that selects them.

The names of pages are those of cloud mode. The mobile integrations name screens by tables of their
own: the rule `screen_names` chooses between the two. Sources: doc#prioritization-of-settings,
docs/facts/device-mode.md#web-page, docs/facts/device-ios-observed.md#screen,
docs/facts/device-android-observed.md#screen.
"""

from collections.abc import Callable
from typing import Any

from translator.core.errors import skip
from translator.core.operations import Json, Skip
from translator.core.properties.page_names import event_names
from translator.device.message import DeviceMessage
from translator.device.web import js

LOADED_A_SCREEN = "Loaded a Screen"

ScreenNamer = Callable[[DeviceMessage], str | None]
"""From a screen call to its event; None if no option selects the call."""


def page_event(message: DeviceMessage) -> str | Skip:
    """The event of a page call, named as the doc says, or the reason why the call makes no event.

    In device mode a call makes one event even if several options select it.
    """
    category, name = _given(message, "category"), _given(message, "name")
    names = event_names(
        message.compiled.page_names, category, name, message.kind.capitalize(), every=False
    )
    return names[0] if names else _not_selected(message)


def screen_event(message: DeviceMessage, observed: ScreenNamer) -> str | Skip:
    """The event of a screen call: by the doc, or as the integration names it (`observed`)."""
    if message.compiled.doc["screen_names"]:
        return page_event(message)
    return observed(message) or _not_selected(message)


def viewed(subject: Any) -> str:
    """The event of a screen that is named after its name or category."""
    return f"Viewed {subject} Screen"


def _not_selected(message: DeviceMessage) -> Skip:
    category, name = message.raw.get("category"), message.raw.get("name")
    return skip(
        "page_not_selected",
        f"no page option selects this {message.kind} call (category {category!r:.40}, "
        f"name {name!r:.40}); see Track All, Categorized and Named Pages",
    )


def _given(message: DeviceMessage, field: str) -> str:
    """A top-level field as text; empty if it is absent or empty."""
    value = message.raw.get(field)
    return js.text(value) if js.truthy(value) else ""


def page_properties(message: DeviceMessage) -> Json:
    """The call's properties, with the top-level category and name if there are any."""
    properties = message.object_field("properties")
    for field in ("category", "name"):
        if js.truthy(message.raw.get(field)):
            properties[field] = message.raw[field]
    return properties
