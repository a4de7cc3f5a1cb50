"""What a pair of settings and rules means, worked out once and used for every message."""

from functools import lru_cache

from translator.context_properties import EVENT_ONLY, INITIAL_REFERRER, by_section
from translator.pages import selected_names
from translator.residency import host
from translator.rules import RULES, Rules
from translator.settings import Settings
from translator.traits import people_properties


class Plan:
    """Compiled settings and rules. Immutable by convention; shared by all messages."""

    def __init__(self, settings: Settings, rules: Rules) -> None:
        self.settings = settings
        self.doc = {rule.name: rules.follows_doc(rule.name) for rule in RULES}
        """Rule name -> whether the doc is followed; an unknown name is a KeyError."""
        self.token = settings.token
        self.host = host(european_union=settings.enableEuropeanUnionEndpoint)
        self.event_increments = frozenset(name.lower() for name in settings.eventIncrements)
        self.people_properties = people_properties(settings.peopleProperties)
        self.super_properties = frozenset(settings.superProperties)
        self.group_set_once = frozenset(settings.groupSetOnce)
        self.page_names = selected_names(settings)
        self.event_context = by_section(
            EVENT_ONLY + (INITIAL_REFERRER if self.doc["initial_referrer"] else ())
        )


@lru_cache(maxsize=64)
def plan_for(settings: Settings, rules: Rules) -> Plan:
    """The plan of a pair, compiled on first use."""
    return Plan(settings, rules)
