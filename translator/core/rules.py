"""Where the public doc and the classic integration's observed behaviour disagree: one table.

Code that depends on such a disagreement asks `rules.follows_doc("name")`. No code knows which rule
set it was given.
"""

from typing import Self

from translator.core.device_rules import DEVICE_RULES
from translator.core.rule import Rule

_CLOUD_RULES = (
    Rule(
        "integrations_object",
        "`integrations` can turn Mixpanel off for a message.",
        "It is not consulted.",
        "doc#destination-info",
        "docs/facts/cloud-classic.md#validation",
    ),
    Rule(
        "field_types",
        "A field of the wrong type is an error that names it.",
        "Ids, traits, properties and context of any type are passed on or ignored.",
        "decision:bad-input",
        "capture:cloud-s-200-id-string-traits",
    ),
    Rule(
        "timestamps",
        "An unreadable timestamp is an error; a null one means now.",
        "An unreadable timestamp becomes null in the payload; a null one means 1970.",
        "decision:timestamps",
        "docs/facts/cloud-classic.md#validation",
    ),
    Rule(
        "import_secret",
        "Every event older than five days needs the API secret.",
        "Track and screen calls need it, even if nothing would be sent; page calls do not.",
        "doc#api-secret",
        "docs/facts/cloud-classic.md#validation",
    ),
    Rule(
        "missing_event_name",
        "A track call without an event name is an error.",
        "It is sent without one.",
        "decision:bad-input",
        "capture:cloud-s-053-track-no-event",
    ),
    Rule(
        "forbidden_ids",
        "An id that Mixpanel refuses (`null`, `undefined`, ...) counts as absent.",
        "It is sent.",
        "langfuse/langfuse#12358",
        "docs/facts/cloud-classic.md#event-payload",
    ),
    Rule(
        "missing_ids",
        "An event without ids has an empty distinct_id; identify and alias without ids are errors.",
        "The id is left out, or comes from a property called distinct_id.",
        "segmentio/action-destinations#2684",
        "capture:cloud-s-127-id-no-ids",
    ),
    Rule(
        "alias_to_itself",
        "An alias of an id to itself is not sent.",
        "It is sent.",
        "rudderlabs/rudder-transformer#2401",
        "capture:cloud-s-210-al-same",
    ),
    Rule(
        "insert_id",
        "Events carry an `$insert_id` made from message id, project id and event name.",
        "None is made; a property of that name passes through.",
        "doc#insert-id",
        "docs/facts/cloud-classic.md#differences-from-the-destination-doc",
    ),
    Rule(
        "page_events",
        "One event for every page option that selects the call.",
        "At most one event: the first option that selects it.",
        "doc#prioritization-of-settings",
        "docs/facts/cloud-classic.md#event-payload",
    ),
    Rule(
        "source_name",
        "The Source Name goes onto every event, page and screen.",
        "There is no such setting.",
        "doc#source-name",
        "docs/facts/cloud-classic.md#differences-from-the-destination-doc",
    ),
    Rule(
        "super_properties",
        "Traits in `context.traits` go onto events only where a setting asks for it "
        "(listed as super properties, or legacy super properties on), and utm traits always.",
        "All of them are copied onto every event.",
        "doc#register-super-properties",
        "docs/facts/cloud-classic.md#event-payload",
    ),
    Rule(
        "trait_collisions",
        "A trait on an event never replaces a property of the event or a reserved one.",
        "Traits are merged last and replace what is there, with null too.",
        "doc#track",
        "capture:cloud-s-108-sp-collide",
    ),
    Rule(
        "empty_sources",
        "Only a context value that is there replaces a property.",
        "A null context value, or a gap in a campaign, wipes the property of that name.",
        "doc#utm-campaign-parameters",
        "docs/facts/cloud-classic.md#event-payload",
    ),
    Rule(
        "initial_referrer",
        "`context.page.initial_referrer` (either spelling) becomes `$initial_referrer`.",
        "It is not mapped.",
        "rudderlabs/rudder-transformer#3997",
        "docs/facts/cloud-classic.md#event-payload",
    ),
    Rule(
        "library_name",
        "A library without a name is `Segment: unknown`.",
        "It is `Segment: undefined` or `Segment: null`.",
        "decision:library-name",
        "capture:cloud-s-049-track-lib-nameless",
    ),
    Rule(
        "charge_needs_people",
        "Revenue becomes a charge only with Use Mixpanel People on.",
        "Always.",
        "doc#track-charge",
        "capture:cloud-s-065-rev-number-nopeople",
    ),
    Rule(
        "charge_total",
        "Only `revenue` is a charge.",
        "A `Completed Order` without revenue is charged its `total`.",
        "doc#track-charge",
        "capture:cloud-s-077-rev-completed-order-total",
    ),
    Rule(
        "charge_grouped_digits",
        'Text such as "$1,234.50" or "1.234,50" is read as 1234.5; text with no reading or more '
        "than one is not charged.",
        "Text is read as far as it is a plain number: 1, or 1.234.",
        "decision:charge-amount",
        "docs/facts/cloud-classic.md#increments-and-revenue",
    ),
    Rule(
        "increment_last_seen",
        "`context.active: false` keeps increments from touching Last Seen.",
        "Increments always touch it.",
        "doc#bypass-last-seen-in-server-side-calls",
        "docs/facts/cloud-classic.md#increments-and-revenue",
    ),
    Rule(
        "property_increments",
        "Numeric properties of the list are added up on the profile.",
        "The setting is ignored.",
        "doc#incrementing-properties",
        "capture:cloud-s-103-inc-prop-increments-setting",
    ),
    Rule(
        "people_properties",
        "With Set All Traits off only special and listed traits reach the profile.",
        "All traits always do.",
        "doc#explicitly-set-people-properties-and-super-properties",
        "docs/facts/cloud-classic.md#differences-from-the-destination-doc",
    ),
    Rule(
        "array_traits",
        "Array traits are unioned into the profile; an empty one clears.",
        "They are set like any other value.",
        "doc#arrays",
        "capture:cloud-s-174-id-arrays",
    ),
    Rule(
        "created_at_seconds",
        "`createdAt` in unix seconds is read as seconds.",
        "It is read as milliseconds and lands in January 1970.",
        "decision:created-at",
        "capture:cloud-s-167-id-created-at-unix-s",
    ),
    Rule(
        "device_token",
        "A device token becomes an iOS device unless the device is of another type.",
        "Any device's token does.",
        "doc#cloud-connection-mode-unbundled-server-side",
        "docs/facts/cloud-classic.md#traits",
    ),
    Rule(
        "group_calls",
        "Group calls update group profiles.",
        "There is no group call.",
        "doc#group",
        "capture:cloud-s-215-gr-basic",
    ),
)

RULES = _CLOUD_RULES + DEVICE_RULES
"""Every rule: those of cloud mode, many of which device modes share, then those of device modes."""

_NAMES = frozenset(rule.name for rule in RULES)


class Rules:
    """A set of rules: for each name in `RULES`, whether the doc is followed. Immutable."""

    __slots__ = ("_documented",)

    def __init__(self, documented: frozenset[str]) -> None:
        unknown = documented - _NAMES
        if unknown:
            raise ValueError(f"unknown rule {sorted(unknown)[0]!r}; known: {sorted(_NAMES)}")
        self._documented = documented

    @classmethod
    def documented(cls) -> Self:
        """The doc is followed in every rule."""
        return cls(_NAMES)

    @classmethod
    def observed(cls) -> Self:
        """The classic integration is followed in every rule."""
        return cls(frozenset())

    def following(self, name: str) -> Self:
        """The same rules, but the doc is followed in the one called `name`."""
        return type(self)(self._documented | {name})

    def follows_doc(self, name: str) -> bool:
        """Whether the doc is followed in the rule called `name`."""
        if name not in _NAMES:
            raise KeyError(name)
        return name in self._documented

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rules) and self._documented == other._documented

    def __hash__(self) -> int:
        return hash(self._documented)

    def __repr__(self) -> str:
        if self._documented == _NAMES:
            return "Rules.documented()"
        return f"Rules(frozenset({sorted(self._documented)!r}))"
