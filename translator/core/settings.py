"""The destination's settings as one table, the source of validation and reference.

Keys, types and defaults are those of the settings table in Segment's doc. If that table and the
doc's prose disagree on a default, the text of the setting says which one holds.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Self

from translator.core.errors import SettingsError, TranslationError
from translator.core.values.json_values import check
from translator.suggestions import suggestion

StringList = tuple[str, ...]

KINDS: Mapping[Any, str] = {
    str: "text",
    bool: "true or false",
    StringList: "a list of texts",
    str | int: "text or a whole number",
}


SECRETS = ("token", "apiSecret")
"""Settings whose values are never shown."""


def _setting(title: str, about: str, default: Any = MISSING, *, choices: StringList = ()) -> Any:
    """A row of the table: the doc's title, what it does, and the default."""
    metadata = {"title": title, "about": about, "choices": choices}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of the Mixpanel destination, under Segment's own keys.

    Raises `SettingsError` naming the key for a value of the wrong type or an empty `token`.
    """

    token: str = _setting("Token", "The token of the Mixpanel project. Required.")
    apiSecret: str = _setting(
        "API Secret", "The credential for /import, which receives events older than five days.", ""
    )
    projectId: str | int = _setting("Project Id", "Part of the insert id of every event.", "")
    people: bool = _setting(
        "Use Mixpanel People",
        "Send identify calls, charges and increments to profiles. "
        "Segment's prose says off by default, its settings table on. On loses no data.",
        True,
    )
    consolidatedPageCalls: bool = _setting(
        "Track All Pages to Mixpanel with a Consolidated Event Name",
        "`Loaded a Page` or `Loaded a Screen` for every page or screen call. "
        "Segment's prose says on by default, its settings table off. The table holds, and a call "
        "that no option selects is reported as skipped.",
        False,
    )
    trackAllPages: bool = _setting(
        "Track All Pages to Mixpanel", "`Loaded a Page` for every page call.", False
    )
    trackCategorizedPages: bool = _setting(
        "Track Categorized Pages to Mixpanel",
        "`Viewed {category} {name} Page` for calls with a category.",
        False,
    )
    trackNamedPages: bool = _setting(
        "Track Named Pages to Mixpanel", "`Viewed {name} Page` for calls with a name.", False
    )
    eventIncrements: StringList = _setting(
        "Events to increment in People",
        "Events counted on the profile, with the time of the last one.",
        (),
    )
    propIncrements: StringList = _setting(
        "Properties to increment in People", "Numeric properties added up on the profile.", ()
    )
    peopleProperties: StringList = _setting(
        "Traits to set as People Properties",
        "The traits that are set on the profile if `setAllTraitsByDefault` is off.",
        (),
    )
    superProperties: StringList = _setting(
        "Properties to send as Super Properties",
        "The traits in `context.traits` that are copied onto events.",
        (),
    )
    setAllTraitsByDefault: bool = _setting(
        "Automatically set all Traits as Super Properties and People Properties",
        "If off, only special traits and listed traits are set.",
        True,
    )
    legacySuperProperties: bool = _setting(
        "Legacy Super Properties", "Copy context traits onto events with a `$` prefix.", False
    )
    groupIdentifierTraits: StringList = _setting(
        "Group Identifier Traits", "The traits that are group keys in Mixpanel.", ()
    )
    groupSetOnce: StringList = _setting(
        "Group Traits to Set Once", "Group traits set with `$set_once`.", ()
    )
    sourceName: str = _setting(
        "Source Name", "Sent as `segment_source_name` on every event, page and screen.", ""
    )
    enableEuropeanUnionEndpoint: bool = _setting(
        "Enable European Union Endpoint", "Send everything to the EU host.", False
    )
    crossSubdomainCookie: bool = _setting(
        "Cross Subdomain Cookie", "Device mode, web: one cookie for all subdomains.", True
    )
    secureCookie: bool = _setting(
        "Secure Cookie", "Device mode, web: the cookie is sent over https only.", False
    )
    persistence: str = _setting(
        "Persistence Type",
        "Device mode, web: where the SDK keeps its state.",
        "cookie",
        choices=("cookie", "localStorage"),
    )
    cookieName: str = _setting(
        "Cookie Name (not in the doc)",
        "Device mode, web: the SDK keeps its state under `mp_{name}`.",
        "",
    )
    increments: StringList = _setting(
        "Increments (not in the doc)", "The older name of `eventIncrements`; both lists count.", ()
    )

    def __new__(cls, **values: Any) -> Self:
        settings = object.__new__(cls)
        object.__setattr__(settings, "_given", frozenset(values))
        return settings

    @property
    def given(self) -> frozenset[str]:
        """The keys that were set explicitly. The defaults of the others depend on the mode."""
        given: frozenset[str] = self.__dict__["_given"]
        return given

    def __post_init__(self) -> None:
        for row in fields(self):
            object.__setattr__(self, row.name, _checked(row, getattr(self, row.name)))
        if not self.token.strip():
            raise SettingsError("setting 'token' is required: give the token of the project")

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Settings from the JSON (or YAML) object of a settings file.

        Raises `SettingsError` for an unknown key, naming the nearest known one.
        """
        if not isinstance(values, Mapping):
            raise SettingsError(f"settings must be an object, not {_name(values)}")
        known = [row.name for row in fields(cls)]
        for key in values:
            if key not in known:
                raise SettingsError(f"unknown setting {key!r}{suggestion(key, known, 0.5)}")
        return cls(**{"token": "", **values})


def _checked(row: Field[Any], value: Any) -> Any:
    """The value in the row's type, or `SettingsError`."""
    try:
        check(list(value) if isinstance(value, tuple) else value, row.name)
    except TranslationError as error:
        raise SettingsError(f"setting {error}") from None
    kind: Any = row.type
    choices: StringList = row.metadata["choices"]
    if kind == StringList:
        # Numbers become text, because lists are compared with text.
        if isinstance(value, list | tuple) and all(_is_text_or_number(item) for item in value):
            return tuple(str(item) for item in value)
    elif (
        isinstance(value, kind)
        and (kind is bool or not isinstance(value, bool))
        and (not choices or value in choices)
    ):
        return value
    expected = " or ".join(choices) or KINDS[kind]
    shown = "" if row.name in SECRETS else f": {value!r:.80}"
    raise SettingsError(f"setting {row.name!r} must be {expected}, not {_name(value)}{shown}")


def _is_text_or_number(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _name(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else "that")
