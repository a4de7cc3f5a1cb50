"""What a server and a project can be told.

Where the documentation leaves room, a limit is the more generous reading: a mock that is stricter
than Mixpanel would report losses that do not happen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from functools import cache
from typing import Any, Self

REGIONS = ("us", "eu", "in")
IDENTITY_MODES = ("legacy", "original", "simplified")
_LISTS = ("group_keys", "service_accounts", "lookup_tables")


class ConfigError(ValueError):
    """An option that does not exist or has a wrong value; the message names it and what to do."""


@dataclass(frozen=True)
class Limits:
    """Documented limits (facts/mixpanel-http-api 1.4, 2.2, 3.1).

    Sizes are bytes, ages are seconds, the others are counts. A value equal to a limit is allowed.
    """

    records: int = 2000
    body_bytes: int = 10 * 1024 * 1024
    """Before and after decompression; the documented "10 MB", read generously."""
    record_bytes: int = 1024 * 1024
    properties: int = 255
    keys: int = 255
    elements: int = 255
    depth: int = 3
    """Objects inside each other below a property; lists are not counted (choice)."""
    string_characters: int = 255
    insert_id_bytes: int = 36
    track_age: int = 5 * 24 * 3600
    import_future: int = 3600
    import_earliest: int = 365 * 24 * 3600
    """Seconds since 1970: 1971-01-01."""
    property_bytes: int = 8 * 1024
    """Of a list or object in an event. What happens beyond is unknown: it is kept, with a note."""
    profile_properties: int = 2000
    profile_property_bytes: int = 256 * 1024
    """Of a list or object in a profile; an update that would go beyond is refused."""
    hot_shard: int = 200_000
    """Events of one distinct id on one day; the later ones are stored as `$hotshard_events`."""
    hot_shard_group: int = 1_000_000
    """The same for one group, under one of the project's `group_keys`."""
    compaction: int | None = None
    """Seconds after which duplicates of one day become one row, in exports too, whatever their
    time. Mixpanel takes hours, and does not promise it (1.7); None is never."""
    cluster_ids: int = 500
    """Ids of one person under Original ID Merge."""
    alias_queue: int | None = None
    """Aliases that may be pending before the alias queue is backed up: then other records wait for
    them too. None is without a limit: how long the real queue gets is unknown."""
    rate_records: int | None = None
    """Records a project may send in any `rate_seconds`; None is without a limit. Mixpanel says
    30,000 a second (1.4). Off by default, since a test is faster than any client (choice)."""
    rate_bytes: int | None = None
    """Like `rate_records`, for uncompressed bytes; Mixpanel says 2 GB a minute."""
    rate_seconds: int = 60
    hourly_queries: int | None = None
    """Engage queries that are answered in any hour; Mixpanel says 60 (7.2). Off by default
    (choice)."""
    hourly_exports: int | None = None
    """Like `hourly_queries`, for raw exports; Mixpanel says 60 (7.1)."""
    exports_a_second: int | None = None
    """Like `hourly_exports`, in any second; Mixpanel says 3."""
    json_depth: int = 50
    """Not Mixpanel's: nesting beyond this is refused unread, to keep the mock itself safe. The
    server's alone: a project cannot have its own."""

    @property
    def rated(self) -> bool:
        """Whether there is a limit on what may be sent in a time."""
        return self.rate_records is not None or self.rate_bytes is not None

    @cache  # noqa: B019, for few and lasting objects
    def changed(self, own: tuple[tuple[str, int | None], ...]) -> Self:
        """A copy with some limits changed."""
        return replace(self, **dict(own))  # type: ignore[arg-type]


CAN_BE_OFF = (
    "alias_queue",
    "compaction",
    "rate_records",
    "rate_bytes",
    "hourly_queries",
    "hourly_exports",
    "exports_a_second",
)
LIMITS_OF_PROJECTS = tuple(one.name for one in fields(Limits) if one.name != "json_depth")


@dataclass(frozen=True)
class ServiceAccount:
    """A user of the Basic scheme who may import into a project."""

    username: str
    secret: str


@dataclass(frozen=True)
class LookupTable:
    """A lookup table that can be replaced; `id` is a UUID in Mixpanel, here any text."""

    id: str
    name: str


@dataclass(frozen=True)
class DropFilter:
    """Events that Mixpanel drops in silence: by name, by a property, or by both.

    A property without a value is one that is there at all; None stands for whatever it is.
    """

    event: str | None = None
    property: str | None = None
    value: str | int | float | bool | None = None


@dataclass(frozen=True)
class Project:
    """The options of a project.

    `secret` None and no service accounts: every credential is accepted (choice). `region` None:
    the project takes data in every region, kept apart (choice). `alias_delay` (how long a link
    between two ids takes to have effect, under every identity system) and `gdpr_delay` (how long a
    data deletion or retrieval takes) are in seconds of the virtual clock. `limits` are
    those that differ from the server's; a `body_bytes` above the server's has no effect. With
    `geo`, events and profiles get a place, a made-up one (see `geo.py`). `group_keys` empty: every
    key is one. `drop_filters` are those that a project can set in Mixpanel's Lexicon.
    """

    token: str
    secret: str | None = None
    project_id: str | None = None
    identity: str = "legacy"
    region: str | None = None
    alias_delay: float = 0
    group_keys: tuple[str, ...] = ()
    service_accounts: tuple[ServiceAccount, ...] = ()
    lookup_tables: tuple[LookupTable, ...] = ()
    drop_filters: tuple[DropFilter, ...] = ()
    gdpr_delay: float = 60
    limits: tuple[tuple[str, int | None], ...] = ()
    geo: bool = False

    @property
    def guarded(self) -> bool:
        """Whether an import needs the right credential."""
        return self.secret is not None or bool(self.service_accounts)

    def changed(self, options: Mapping[str, Any], where: str = "project") -> Self:
        """A copy with some options changed.

        Raises ConfigError, naming the option, if one does not exist or has a wrong value.
        """
        return replace(self, **_checked(options, where))

    def options(self) -> dict[str, Any]:
        """The options as JSON, of which `changed` makes the same project again."""
        lists = {name: list(value) for name, value in asdict(self).items() if name in _LISTS}
        filters = [_given(each) for each in self.drop_filters]
        return asdict(self) | lists | {"limits": dict(self.limits), "drop_filters": filters}

    def shown(self) -> dict[str, Any]:
        """The options as JSON, with secrets hidden."""
        return {
            "token": self.token,
            "secret": None if self.secret is None else "***",
            "project_id": self.project_id,
            "identity": self.identity,
            "region": self.region,
            "alias_delay": self.alias_delay,
            "group_keys": list(self.group_keys),
            "service_accounts": [
                {"username": account.username, "secret": "***"} for account in self.service_accounts
            ],
            "lookup_tables": [{"id": each.id, "name": each.name} for each in self.lookup_tables],
            "drop_filters": [_given(each) for each in self.drop_filters],
            "gdpr_delay": self.gdpr_delay,
            "limits": dict(self.limits),
            "geo": self.geo,
        }


@dataclass(frozen=True)
class Config:
    """A server: its limits, the projects it starts with, and whether others exist.

    A token that is not among `projects` makes a project with default options, unless
    `strict_projects` is set: then its records are dropped, as Mixpanel drops them.
    """

    limits: Limits = field(default_factory=Limits)
    projects: tuple[Project, ...] = ()
    strict_projects: bool = False


def read_projects(data: Any) -> tuple[Project, ...]:
    """The projects of a configuration file's content. Raises ConfigError, naming the place."""
    if not isinstance(data, list):
        raise ConfigError(f"projects: expected a list of objects, got {_kind(data)}")
    found: dict[str, Project] = {}
    for place, options in enumerate(data):
        where = f"projects[{place}]"
        if not isinstance(options, Mapping):
            raise ConfigError(f"{where}: expected an object, got {_kind(options)}")
        token = options.get("token")
        if not isinstance(token, str) or not token:
            raise ConfigError(f"{where}.token: missing or not a text; every project needs one")
        if token in found:
            raise ConfigError(f"{where}.token: {token!r} is listed twice; remove one")
        found[token] = Project(token).changed(options, where)
    return tuple(found.values())


def _known(name: str, known: Sequence[str], where: str) -> None:
    """Raise ConfigError for a name that is none of those known, with the nearest."""
    if name not in known:
        near = get_close_matches(str(name), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        raise ConfigError(f"{where}.{name}: unknown option; {hint}")


def _checked(options: Mapping[str, Any], where: str) -> dict[str, Any]:
    known = [option.name for option in fields(Project)]
    checked = {}
    for name, value in options.items():
        _known(name, known, where)
        checked[name] = _CHECKS[name](value, f"{where}.{name}")
    return checked


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where}: expected a text that is not empty, got {_kind(value)}")
    return value


def _optional_text(value: Any, where: str) -> str | None:
    return None if value is None else _text(value, where)


def _project_id(value: Any, where: str) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _optional_text(value, where)


def _identity(value: Any, where: str) -> str:
    if value not in IDENTITY_MODES:
        raise ConfigError(f"{where}: {value!r} is none of {', '.join(IDENTITY_MODES)}")
    return str(value)


def _region(value: Any, where: str) -> str | None:
    if value is not None and value not in REGIONS:
        raise ConfigError(f"{where}: {value!r} is none of {', '.join(REGIONS)}")
    return None if value is None else str(value)


def _seconds(value: Any, where: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= 10**9:
        raise ConfigError(f"{where}: expected seconds, 0 to 10^9, got {_kind(value)}")
    return float(value)


def _limits(value: Any, where: str) -> tuple[tuple[str, int | None], ...]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: expected an object, got {_kind(value)}")
    for name, limit in value.items():
        _known(name, LIMITS_OF_PROJECTS, where)
        off = limit is None and name in CAN_BE_OFF
        number = isinstance(limit, int) and not isinstance(limit, bool) and 0 <= limit <= 10**12
        if not (off or number):
            raise ConfigError(f"{where}.{name}: expected a count, 0 to 10^12, got {_kind(limit)}")
    return tuple(sorted(value.items()))


def _boolean(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{where}: expected true or false, got {_kind(value)}")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{where}: expected a list of texts, got {_kind(value)}")
    return tuple(_text(item, f"{where}[{place}]") for place, item in enumerate(value))


def _pairs(value: Any, where: str, names: tuple[str, str]) -> list[tuple[str, str]]:
    """A list of objects of exactly two texts."""
    if not isinstance(value, list):
        raise ConfigError(f"{where}: expected a list of objects, got {_kind(value)}")
    pairs = []
    for place, item in enumerate(value):
        here = f"{where}[{place}]"
        if not isinstance(item, Mapping) or set(item) != set(names):
            raise ConfigError(f"{here}: expected an object of exactly {names[0]} and {names[1]}")
        one, other = (_text(item[name], f"{here}.{name}") for name in names)
        pairs.append((one, other))
    return pairs


def _accounts(value: Any, where: str) -> tuple[ServiceAccount, ...]:
    return tuple(ServiceAccount(*pair) for pair in _pairs(value, where, ("username", "secret")))


def _lookup_tables(value: Any, where: str) -> tuple[LookupTable, ...]:
    return tuple(LookupTable(*pair) for pair in _pairs(value, where, ("id", "name")))


def _drop_filters(value: Any, where: str) -> tuple[DropFilter, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{where}: expected a list of objects, got {_kind(value)}")
    return tuple(_drop_filter(item, f"{where}[{place}]") for place, item in enumerate(value))


def _drop_filter(value: Any, where: str) -> DropFilter:
    if not isinstance(value, Mapping) or not {"event", "property"} & value.keys():
        raise ConfigError(f"{where}: expected an object with event, property or both")
    for name in value:
        _known(name, [each.name for each in fields(DropFilter)], where)
    for name in ("event", "property"):
        _optional_text(value.get(name), f"{where}.{name}")
    wanted = value.get("value")
    if not isinstance(wanted, str | int | float | bool | None):
        raise ConfigError(f"{where}.value: expected a text, a number or a boolean")
    if wanted is not None and value.get("property") is None:
        raise ConfigError(f"{where}.value: of which property? give property as well")
    return DropFilter(**value)


def _given(drop: DropFilter) -> dict[str, Any]:
    """The members of a filter that say something."""
    return {name: value for name, value in asdict(drop).items() if value is not None}


def _kind(value: Any) -> str:
    """What a value is, without showing it: it may be a secret."""
    names: dict[type, str] = {
        type(None): "null",
        bool: "a boolean",
        str: "a text",
        dict: "an object",
    }
    return "an empty text" if value == "" else names.get(type(value), f"a {type(value).__name__}")


_CHECKS = {
    "token": _text,
    "secret": _optional_text,
    "project_id": _project_id,
    "identity": _identity,
    "region": _region,
    "alias_delay": _seconds,
    "group_keys": _texts,
    "service_accounts": _accounts,
    "lookup_tables": _lookup_tables,
    "drop_filters": _drop_filters,
    "gdpr_delay": _seconds,
    "limits": _limits,
    "geo": _boolean,
}
