"""Page and screen calls become events, named by the page options.

doc#page and doc#prioritization-of-settings; names in docs/facts/cloud-classic.md#event-payload.
Cloud mode sends one event per option that selects the call, duplicates included; the classic
integration sent the first one only. That difference is the rule `page_events`.
"""

from collections.abc import Callable
from typing import NamedTuple

from translator.core.settings import Settings

Namer = Callable[[str, str, str], str | None]


class PageOption(NamedTuple):
    """A setting and the event name it gives; None where it does not select the call.

    `name` takes the message's category and name (empty if absent) and `Page` or `Screen`.
    """

    setting: str
    name: Namer


def _loaded(category: str, name: str, kind: str) -> str | None:
    return f"Loaded a {kind}"


def _categorized(category: str, name: str, kind: str) -> str | None:
    if not category:
        return None
    return f"Viewed {category} {name} {kind}" if name else f"Viewed {category} {kind}"


def _named(category: str, name: str, kind: str) -> str | None:
    return f"Viewed {name} {kind}" if name else None


PAGE_OPTIONS = (
    PageOption("consolidatedPageCalls", _loaded),
    PageOption("trackAllPages", _loaded),
    PageOption("trackCategorizedPages", _categorized),
    PageOption("trackNamedPages", _named),
)
"""In the doc's order, which is also the order of precedence where only one event is sent."""


def selected_names(settings: Settings) -> tuple[Namer, ...]:
    """The namers of the options that are on, in order."""
    return tuple(option.name for option in PAGE_OPTIONS if getattr(settings, option.setting))


def event_names(
    namers: tuple[Namer, ...], category: str, name: str, kind: str, *, every: bool
) -> list[str]:
    """The event names for a call; all that the options give if `every`, else the first."""
    names = [found for namer in namers if (found := namer(category, name, kind))]
    return names if every else names[:1]
