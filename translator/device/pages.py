"""Page and screen calls become at most one event, named by the first option that selects them.

doc#prioritization-of-settings; docs/facts/device-mode.md#web-page, docs/facts/device-mode.md#ios,
docs/facts/device-mode.md#android. The names of pages are those of cloud mode. On mobile the code
names screens by tables of its own, which is the rule `screen_names`.
"""

from collections.abc import Callable, Mapping

from translator.cloud.pages import event_names
from translator.core.operations import Json
from translator.device.state import Message
from translator.device.web import js

ScreenNamer = Callable[[str, str, Json], str | None]
"""From name, category and properties of a screen call to the event; None if it is not selected."""


def _loaded(name: str, category: str, properties: Json) -> str | None:
    return "Loaded a Screen"


def _viewed(subject: object) -> str | None:
    return f"Viewed {subject} Screen" if subject else None


SCREENS: Mapping[str, tuple[tuple[str, ScreenNamer], ...]] = {
    "ios": (
        ("consolidatedPageCalls", _loaded),
        ("trackAllPages", lambda name, category, properties: _viewed(name or "(null)")),
        ("trackNamedPages", lambda name, category, properties: _viewed(name)),
        (
            "trackCategorizedPages",
            lambda name, category, properties: _viewed(properties.get("category")),
        ),
    ),
    "android": (
        ("consolidatedPageCalls", _loaded),
        ("trackAllPages", lambda name, category, properties: _viewed(name or category or "null")),
        ("trackCategorizedPages", lambda name, category, properties: _viewed(category)),
        ("trackNamedPages", lambda name, category, properties: _viewed(name)),
    ),
}
"""Mode -> setting and namer, in order of precedence."""


def page_event(message: Message) -> str | None:
    """The event's name, or None with the reason noted."""
    category, name = _given(message, "category"), _given(message, "name")
    names = event_names(
        message.plan.page_names, category, name, message.kind.capitalize(), every=False
    )
    if message.kind == "screen" and not message.plan.doc["screen_names"]:
        names = [
            event
            for setting, namer in SCREENS[message.plan.mode]
            if getattr(message.plan.settings, setting)
            and (event := namer(name, category, message.object_field("properties")))
        ][:1]
    if names:
        return names[0]
    message.skip(
        "page_not_selected",
        f"no page option selects this {message.kind} call (category {category!r:.40}, "
        f"name {name!r:.40}); see Track All, Categorized and Named Pages",
    )
    return None


def _given(message: Message, field: str) -> str:
    """A top-level field as text; empty if it is absent or empty."""
    value = message.raw.get(field)
    return js.text(value) if js.truthy(value) else ""


def page_properties(message: Message) -> Json:
    """The call's properties, with the top-level category and name if there are any."""
    properties = message.object_field("properties")
    for field in ("category", "name"):
        if js.truthy(message.raw.get(field)):
            properties[field] = message.raw[field]
    return properties
