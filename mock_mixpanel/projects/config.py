"""The options of a server and of a project."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

import yaml

from mock_mixpanel.projects.checks import ConfigError, check_name, kind_of
from mock_mixpanel.projects.flags import FlagDefinition
from mock_mixpanel.projects.limits import MixpanelLimits
from mock_mixpanel.projects.options import (
    CHECKS,
    IDENTITY_MODES,
    REGIONS,
    Annotation,
    Cohort,
    DropFilter,
    Funnel,
    LookupTable,
    ServiceAccount,
)

__all__ = [
    "IDENTITY_MODES",
    "REGIONS",
    "Annotation",
    "Cohort",
    "Config",
    "ConfigError",
    "DropFilter",
    "Funnel",
    "LookupTable",
    "MixpanelLimits",
    "Project",
    "ServiceAccount",
    "read_projects",
    "read_projects_file",
]

_LISTS = ("group_keys", "service_accounts", "lookup_tables", "cohorts", "annotations", "flags")


@dataclass(frozen=True)
class Project:
    """The options of a project.

    `secret` None and no service accounts: every credential is accepted (choice). `region` None: the
    project takes data in every region, kept apart (choice). `alias_delay` (the time until a link
    between two ids takes effect, in every identity system) and `gdpr_delay` (the duration of a data
    deletion or retrieval) are in seconds of the virtual clock. `limits` are those that differ from
    the server's; a `body_bytes` above the server's has no effect. With `geo`, events and profiles
    get an invented place (see `simulation/places.py`). `group_keys` empty: every key is one.
    `drop_filters` are those that a project can set in Mixpanel's Lexicon. `cohorts`, `funnels` and
    `annotations` are those that a project saves on Mixpanel's pages. `flags` are its feature flags,
    as `flags_of` gives them.
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
    cohorts: tuple[Cohort, ...] = ()
    funnels: tuple[Funnel, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    flags: tuple[FlagDefinition, ...] = ()
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
        """The options as JSON; `changed` restores the project from them."""
        lists = {name: list(value) for name, value in asdict(self).items() if name in _LISTS}
        filters = [_given(each) for each in self.drop_filters]
        funnels = [asdict(each) | {"steps": list(each.steps)} for each in self.funnels]
        more = {"limits": dict(self.limits), "drop_filters": filters, "funnels": funnels}
        return asdict(self) | lists | more

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
            **{name: self.options()[name] for name in ("cohorts", "funnels", "annotations")},
            "flags": list(self.flags),
            "gdpr_delay": self.gdpr_delay,
            "limits": dict(self.limits),
            "geo": self.geo,
        }


@dataclass(frozen=True)
class Config:
    """The options of a server: limits, initial projects, and whether other projects exist.

    A token that is not among `projects` makes a project with default options, unless
    `strict_projects` is set: then its records are dropped, as Mixpanel drops them. `alias_delay` is
    that of projects that do not set it, in seconds of the virtual clock.
    """

    limits: MixpanelLimits = field(default_factory=MixpanelLimits)
    projects: tuple[Project, ...] = ()
    strict_projects: bool = False
    alias_delay: float = 0


def read_projects_file(path: Path, alias_delay: float = 0) -> tuple[Project, ...]:
    """The projects of a configuration file. Raises ConfigError, naming the file and the place.

    The error does not quote the file, which has secrets. Raises OSError.
    """
    try:
        return read_projects(yaml.safe_load(path.read_text(encoding="utf-8")), alias_delay)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ConfigError(f"{path}: {line}{error.problem}") from None
    except (ConfigError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def read_projects(data: Any, alias_delay: float = 0) -> tuple[Project, ...]:
    """The projects of a configuration file's content. Raises ConfigError, naming the place.

    `alias_delay` (seconds of the virtual clock) is that of projects that do not set it.
    """
    if not isinstance(data, list):
        raise ConfigError(f"projects: expected a list of objects, got {kind_of(data)}")
    found: dict[str, Project] = {}
    for place, options in enumerate(data):
        where = f"projects[{place}]"
        if not isinstance(options, Mapping):
            raise ConfigError(f"{where}: expected an object, got {kind_of(options)}")
        token = options.get("token")
        if not isinstance(token, str) or not token:
            raise ConfigError(f"{where}.token: missing or not a text; every project needs one")
        if token in found:
            raise ConfigError(f"{where}.token: {token!r} is listed twice; remove one")
        found[token] = Project(token, alias_delay=alias_delay).changed(options, where)
    return tuple(found.values())


def _checked(options: Mapping[str, Any], where: str) -> dict[str, Any]:
    known = [option.name for option in fields(Project)]
    checked = {}
    for name, value in options.items():
        check_name(name, known, where)
        checked[name] = CHECKS[name](value, f"{where}.{name}")
    return checked


def _given(drop: DropFilter) -> dict[str, Any]:
    """The members of a filter that are set."""
    return {name: value for name, value in asdict(drop).items() if value is not None}
