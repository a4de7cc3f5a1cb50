"""The rules of device modes: where Segment's doc and the integrations in pages and apps disagree.

`rules.RULES` holds them after the rules of cloud mode, some of which apply to device modes too.
"""

from translator.core.rule import Rule

DEVICE_RULES = (
    Rule(
        "people_default",
        "Use Mixpanel People is on by default.",
        "Use Mixpanel People is off by default.",
        "decision:people-default",
        "docs/facts/device-mode.md#where-the-public-doc-and-device-mode-differ",
    ),
    Rule(
        "page_default",
        "Consolidated page calls are off by default.",
        "They are on by default in web and Android, off in iOS.",
        "decision:page-default",
        "docs/facts/device-mode.md#where-the-public-doc-and-device-mode-differ",
    ),
    Rule(
        "all_traits_default",
        "Set All Traits is on by default.",
        "In iOS it is off by default.",
        "doc#automatically-set-all-traits-as-super-properties-and-people-properties",
        "capture:di/identify/people-absent-all-absent",
    ),
    Rule(
        "cookie_default",
        "The cookie is for all subdomains by default.",
        "The cookie is for one host by default.",
        "doc#cross-subdomain-cookie",
        "docs/facts/device-mode.md#where-the-public-doc-and-device-mode-differ",
    ),
    Rule(
        "secret_in_page",
        "The API secret is not given to the page.",
        "The API secret is passed to the SDK with all other settings.",
        "decision:secret-in-page",
        "docs/facts/device-mode.md#web-start-up",
    ),
    Rule(
        "older_increments",
        "Events under the older name `increments` are counted as well.",
        "Web and iOS read only `eventIncrements`, Android only `increments`.",
        "doc#events-to-increment-in-people",
        "capture:da/increments/both-settings",
    ),
    Rule(
        "screen_names",
        "Screens are named like pages: all, then categorized (with the name), then named.",
        "iOS takes the name first, even an empty one, and the property `category`, whatever it is; "
        "Android the category. All screens are `Viewed {name} Screen`.",
        "doc#prioritization-of-settings",
        "capture:da/screen-matrix/c0-a0-c1-n1",
    ),
    Rule(
        "screen_increments",
        "Screens are counted like other events.",
        "In Android screens are never counted.",
        "doc#incrementing-events",
        "capture:da/screen/increments-consolidated",
    ),
    Rule(
        "mobile_special_traits",
        "The special traits of the doc's table are renamed on mobile.",
        "iOS renames `createdAt` and not `created`; Android neither `created` nor `lastSeen`.",
        "doc#group-using-device-mode",
        "capture:da/special-traits/not-special",
    ),
    Rule(
        "special_traits_listed",
        "With Set All Traits off, the special traits of the doc's table reach the profile.",
        "In web `$last_seen` reaches it too; on mobile only listed traits do.",
        "doc#set-people-properties",
        "docs/facts/device-mode.md#web-identify",
    ),
    Rule(
        "last_name",
        "The last name from a full name is the rest of the trimmed name after its first blank.",
        "The position of the first blank in the trimmed name cuts the untrimmed name.",
        "decision:last-name-in-page",
        "capture:dw/identify/name-derives-first-last",
    ),
    Rule(
        "unreadable_created",
        "An unreadable creation date is left out and reported.",
        "It becomes the text `NaN-NaN-NaNTNaN:NaN:NaN.NZ`.",
        "decision:unreadable-created",
        "docs/facts/device-mode.md#web-identify",
    ),
    Rule(
        "array_super_properties",
        "A list becomes a super property unchanged.",
        "The list is united with the stored list, and all elements become text.",
        "doc#register-super-properties",
        "capture:dw/arrays/numbers-become-strings",
    ),
    Rule(
        "legacy_super_properties",
        "Special traits have a `$` as super properties only if Legacy Super Properties is on.",
        "Special traits always have a `$` as super properties.",
        "doc#legacy-super-properties",
        "capture:dw/identify/legacy-super-properties-on",
    ),
    Rule(
        "increment_values",
        "A property is added up on the profile only if it is a number.",
        "Any value is passed to the SDK.",
        "doc#incrementing-properties",
        "docs/facts/device-mode.md#web-track",
    ),
    Rule(
        "group_identity",
        "A configured trait is the group key, its value the group id; without it nothing is sent.",
        "The id is `groupId`. The key is the configured trait's name in web, its value in iOS, and "
        "in Android the library's name of the traits, as Java text, whatever is configured.",
        "doc#group",
        "capture:dw/group/missing-matching-trait",
    ),
    Rule(
        "group_set_once",
        "The traits listed as Group Traits to Set Once are set once, all others always.",
        "All traits are set once.",
        "doc#group-traits-to-set-once",
        "capture:dw/group/set-once-setting-ignored",
    ),
    Rule(
        "ios_server_url",
        "In iOS the SDK gets the EU endpoint as a URL.",
        "In iOS the SDK gets the host name without a scheme.",
        "doc#sending-data-to-mixpanels-european-union-endpoint",
        "capture:di/init/eu-on",
    ),
    Rule(
        "mobile_integrations",
        "In mobile modes `integrations` turns Mixpanel off with `false` under its name, else under "
        "`All` or `all`.",
        "Android: any text but `true` turns it off as well, and `all` is not read. iOS: numbers "
        "count by their value, so 0 turns it off.",
        "decision:integrations-object",
        "capture:da/integrations/text-values",
    ),
    Rule(
        "refused_calls",
        "A call of an Android app is translated if the doc gives it a meaning.",
        "Android's library throws at the app, and makes no call, for a track call with a blank "
        "event, a screen call with neither name nor category and a group call without groupId.",
        "decision:refused-calls",
        "capture:da/refused/track",
    ),
    Rule(
        "trait_spellings",
        "If a message has both `email` and `$email`, the trait that is renamed wins.",
        "In Android the last one wins. The order is that of the message; in list mode it is the "
        "order in which a Java `HashSet` iterates over the configured names.",
        "decision:trait-spellings",
        "capture:da/special-traits/last-wins-three",
    ),
    Rule(
        "screen_name_property",
        "On mobile `Loaded a Screen` has the property `name` if the call has a name.",
        "In Android it always has: null without a name, in place of a property of that name.",
        "decision:screen-name-property",
        "capture:da/screen/nameless",
    ),
    Rule(
        "mobile_charges",
        "On mobile revenue is charged if it is a number, or text that holds one amount.",
        "iOS also charges booleans, and reads text as a number formatter does, without `$`; "
        "Android reads text as a Java double: `12d` is 12, `$5` is not a number.",
        "doc#track-charge",
        "capture:da/revenue/text-java",
    ),
    Rule(
        "increments_per_name",
        "On mobile a property is added up once, in the order of the properties.",
        "In iOS once per configured spelling, in the order of the setting.",
        "doc#incrementing-properties",
        "capture:di/increments/prop-duplicate-names",
    ),
    Rule(
        "alias_without_id",
        "In iOS an alias without a new id is left out, and reported.",
        "The SDK is called with null, and does nothing.",
        "decision:alias-without-id",
        "capture:di/alias/no-new-id",
    ),
)
