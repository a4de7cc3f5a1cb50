"""The table of rules: points on which Segment's doc and the classic integration disagree.

"Documented" is Segment's public documentation of the destination; "observed" is what the code of
the classic integration was seen to do. Code that depends on such a point reads
`doc` of its compiled settings by name; it never tests which rule set is in use.
"""

from typing import Self

from translator.core.device_rules import DEVICE_RULES
from translator.core.rule import Rule

_CLOUD_RULES = (
    Rule(
        "integrations_object",
        "`integrations` can turn Mixpanel off for a message.",
        "`integrations` is ignored.",
        "doc#destination-info",
        "docs/facts/cloud-classic.md#validation",
    ),
    Rule(
        "field_types",
        "A field of the wrong type is an error that names it.",
        "Ids, traits, properties and context of a wrong type are sent or ignored.",
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
        "The event is sent without a name.",
        "decision:bad-input",
        "capture:cloud-s-053-track-no-event",
    ),
    Rule(
        "forbidden_ids",
        "An id that Mixpanel refuses (`null`, `undefined`, ...) counts as absent.",
        "The id is sent.",
        "langfuse/langfuse#12358",
        "docs/facts/cloud-classic.md#event-payload",
    ),
    Rule(
        "missing_ids",
        "An event without ids has an empty distinct_id; identify and alias without ids are errors.",
        "The id is left out, or taken from a property called distinct_id.",
        "segmentio/action-destinations#2684",
        "capture:cloud-s-127-id-no-ids",
    ),
    Rule(
        "alias_to_itself",
        "An alias of an id to itself is not sent.",
        "The alias is sent.",
        "rudderlabs/rudder-transformer#2401",
        "capture:cloud-s-210-al-same",
    ),
    Rule(
        "insert_id",
        "Events carry an `$insert_id` made from message id, project id and event name.",
        "No insert id is made; a property `$insert_id` of the call is sent.",
        "doc#insert-id",
        "docs/facts/cloud-classic.md#differences-from-the-destination-doc",
    ),
    Rule(
        "page_events",
        "Each page option that selects the call gives one event.",
        "Only the first option that selects the call gives an event.",
        "doc#prioritization-of-settings",
        "docs/facts/cloud-classic.md#event-payload",
    ),
    Rule(
        "source_name",
        "Every event, page and screen has the Source Name.",
        "The setting does not exist.",
        "doc#source-name",
        "docs/facts/cloud-classic.md#differences-from-the-destination-doc",
    ),
    Rule(
        "super_properties",
        "Traits in `context.traits` are copied onto events only if a setting says so (they are "
        "listed as super properties, or legacy super properties are on). UTM traits always are.",
        "All traits in `context.traits` are copied onto every event.",
        "doc#register-super-properties",
        "docs/facts/cloud-classic.md#event-payload",
    ),
    Rule(
        "trait_collisions",
        "A trait never replaces a property of the event, nor a reserved property.",
        "Traits are merged last and replace other properties, even with null.",
        "doc#track",
        "capture:cloud-s-108-sp-collide",
    ),
    Rule(
        "empty_sources",
        "Only a context value that is present and not null replaces a property.",
        "A null context value, or a missing campaign field, removes the property of its name.",
        "doc#utm-campaign-parameters",
        "docs/facts/cloud-classic.md#event-payload",
    ),
    Rule(
        "initial_referrer",
        "`context.page.initial_referrer` (or `initialReferrer`) becomes `$initial_referrer`.",
        "The initial referrer is not mapped.",
        "rudderlabs/rudder-transformer#3997",
        "docs/facts/cloud-classic.md#event-payload",
    ),
    Rule(
        "library_name",
        "`mp_lib` of a library without a name is `Segment: unknown`.",
        "`mp_lib` is `Segment: undefined` or `Segment: null`.",
        "decision:library-name",
        "capture:cloud-s-049-track-lib-nameless",
    ),
    Rule(
        "charge_needs_people",
        "Revenue becomes a charge only if Use Mixpanel People is on.",
        "Revenue always becomes a charge.",
        "doc#track-charge",
        "capture:cloud-s-065-rev-number-nopeople",
    ),
    Rule(
        "charge_total",
        "Only the property `revenue` is charged.",
        "A `Completed Order` without revenue is charged its `total`.",
        "doc#track-charge",
        "capture:cloud-s-077-rev-completed-order-total",
    ),
    Rule(
        "charge_grouped_digits",
        'Text such as "$1,234.50" or "1.234,50" is read as 1234.5; text with no reading or more '
        "than one is not charged.",
        "Text is read up to the first character that is not part of a plain number: 1, or 1.234.",
        "decision:charge-amount",
        "docs/facts/cloud-classic.md#increments-and-revenue",
    ),
    Rule(
        "increment_last_seen",
        "Increments do not change Last Seen if `context.active` is false.",
        "Increments always change Last Seen.",
        "doc#bypass-last-seen-in-server-side-calls",
        "docs/facts/cloud-classic.md#increments-and-revenue",
    ),
    Rule(
        "property_increments",
        "Numeric properties that are listed are added up on the profile.",
        "The setting is ignored.",
        "doc#incrementing-properties",
        "capture:cloud-s-103-inc-prop-increments-setting",
    ),
    Rule(
        "people_properties",
        "With Set All Traits off, only special and listed traits reach the profile.",
        "All traits always reach the profile.",
        "doc#explicitly-set-people-properties-and-super-properties",
        "docs/facts/cloud-classic.md#differences-from-the-destination-doc",
    ),
    Rule(
        "array_traits",
        "Array traits are united with the list on the profile; an empty array clears it.",
        "Array traits are set like any other value.",
        "doc#arrays",
        "capture:cloud-s-174-id-arrays",
    ),
    Rule(
        "created_at_seconds",
        "`createdAt` in Unix seconds is read as seconds.",
        "It is read as milliseconds, which gives a date in January 1970.",
        "decision:created-at",
        "capture:cloud-s-167-id-created-at-unix-s",
    ),
    Rule(
        "device_token",
        "A device token becomes an iOS device token unless the device has another type.",
        "The token of any device becomes an iOS device token.",
        "doc#cloud-connection-mode-unbundled-server-side",
        "docs/facts/cloud-classic.md#traits",
    ),
    Rule(
        "group_calls",
        "Group calls update group profiles.",
        "Group calls are not supported.",
        "doc#group",
        "capture:cloud-s-215-gr-basic",
    ),
)

RULES = _CLOUD_RULES + DEVICE_RULES
"""All rules: those of cloud mode (device modes share many), then those of device modes."""

_NAMES = frozenset(rule.name for rule in RULES)


class Rules:
    """A rule set: for each rule in `RULES`, whether the doc is followed. Immutable."""

    __slots__ = ("_documented",)

    def __init__(self, documented: frozenset[str]) -> None:
        unknown = documented - _NAMES
        if unknown:
            raise ValueError(f"unknown rule {sorted(unknown)[0]!r}; known: {sorted(_NAMES)}")
        self._documented = documented

    @classmethod
    def documented(cls) -> Self:
        """The rule set that follows the doc in every rule."""
        return cls(_NAMES)

    @classmethod
    def observed(cls) -> Self:
        """The rule set that follows the classic integration in every rule."""
        return cls(frozenset())

    def following(self, name: str) -> Self:
        """The same rule set, except that it follows the doc in the rule `name`."""
        return type(self)(self._documented | {name})

    def follows_doc(self, name: str) -> bool:
        """Whether the rule `name` follows the doc. Raises KeyError for an unknown name."""
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
