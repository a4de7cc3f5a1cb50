"""The names of the events that page and screen calls become, by the page options.

Sources: doc#page, doc#prioritization-of-settings,
docs/facts/cloud-classic.md#page-and-screen-naming. Cloud mode sends one event for each option that
selects the call, duplicates included; the classic integration sent the first one only. The rule
`page_events` decides.
"""

from collections.abc import Callable
from typing import NamedTuple

from translator.core.settings import Settings

PageName = tuple[str, str, str]
"""Category and name of a call (empty if absent), and `Page` or `Screen`."""

Namer = Callable[[str, str, str], str | None]


class PageOption(NamedTuple):
    """A page option and the function that gives the event's name, or None if it does not apply.

    The arguments of `name` are the message's category and name (empty if absent), and `Page` or
    `Screen`.
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
"""In the doc's order, which is the order of precedence if only one event is sent."""


def selected_names(settings: Settings) -> tuple[Namer, ...]:
    """The naming functions of the options that are on, in order."""
    return tuple(option.name for option in PAGE_OPTIONS if getattr(settings, option.setting))


def event_names(
    namers: tuple[Namer, ...], category: str, name: str, kind: str, *, every: bool
) -> list[str]:
    """The event names of a call: one of each option if `every`, else the first."""
    names: list[str] = []
    for namer in namers:
        found = namer(category, name, kind)
        if found:
            names.append(found)
    return names if every else names[:1]
