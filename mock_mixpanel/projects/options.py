"""Checks and converts the values of project options; a `ConfigError` names the place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from mock_mixpanel.projects.checks import (
    Check,
    ConfigError,
    boolean_of,
    check_name,
    kind_of,
    text_of,
)
from mock_mixpanel.projects.flags import flags_of
from mock_mixpanel.projects.limits import CAN_BE_OFF, LIMITS_OF_PROJECTS

REGIONS = ("us", "eu", "in")
DATE_TIME = "%Y-%m-%d %H:%M:%S"
"""The form of a time in lists of cohorts and annotations."""
IDENTITY_MODES = ("legacy", "original", "simplified")


@dataclass(frozen=True)
class ServiceAccount:
    """A user of the Basic scheme who may import into a project."""

    username: str
    secret: str


@dataclass(frozen=True)
class LookupTable:
    """A lookup table that can be replaced; `id` is any text here, a UUID in Mixpanel."""

    id: str
    name: str


@dataclass(frozen=True)
class DropFilter:
    """Events that Mixpanel drops silently: by name, by a property, or by both.

    If `value` is None, the filter matches any value of the property.
    """

    event: str | None = None
    property: str | None = None
    value: str | int | float | bool | None = None


@dataclass(frozen=True)
class Cohort:
    """A saved cohort: the people whose profiles `where` selects.

    `created` is `YYYY-MM-DD HH:MM:SS`; None means the virtual day of the query, at midnight.
    """

    id: int
    name: str
    where: str
    description: str = ""
    created: str | None = None
    is_visible: bool = True


@dataclass(frozen=True)
class Funnel:
    """A saved funnel: the names of its events, and the days that a person has for all of them."""

    id: int
    name: str
    steps: tuple[str, ...]
    days: int = 30


@dataclass(frozen=True)
class Annotation:
    """A text at a moment, which is `YYYY-MM-DD HH:MM:SS`."""

    id: int
    date: str
    description: str


def _optional_text(value: Any, where: str) -> str | None:
    return None if value is None else text_of(value, where)


def _project_id(value: Any, where: str) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _optional_text(value, where)


def _identity(value: Any, where: str) -> str:
    if value not in IDENTITY_MODES:
        raise ConfigError(f"{where}: {value!r} is not one of {', '.join(IDENTITY_MODES)}")
    return str(value)


def _region(value: Any, where: str) -> str | None:
    if value is not None and value not in REGIONS:
        raise ConfigError(f"{where}: {value!r} is not one of {', '.join(REGIONS)}")
    return None if value is None else str(value)


def _seconds(value: Any, where: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= 10**9:
        raise ConfigError(f"{where}: expected seconds, 0 to 10^9, got {kind_of(value)}")
    return float(value)


def _limits(value: Any, where: str) -> tuple[tuple[str, int | None], ...]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: expected an object, got {kind_of(value)}")
    for name, limit in value.items():
        check_name(name, LIMITS_OF_PROJECTS, where)
        off = limit is None and name in CAN_BE_OFF
        number = isinstance(limit, int) and not isinstance(limit, bool) and 0 <= limit <= 10**12
        if not (off or number):
            raise ConfigError(f"{where}.{name}: expected a count, 0 to 10^12, got {kind_of(limit)}")
    return tuple(sorted(value.items()))


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{where}: expected a list of texts, got {kind_of(value)}")
    return tuple(text_of(item, f"{where}[{place}]") for place, item in enumerate(value))


def _pairs(value: Any, where: str, names: tuple[str, str]) -> list[tuple[str, str]]:
    """A list of objects of exactly two texts."""
    if not isinstance(value, list):
        raise ConfigError(f"{where}: expected a list of objects, got {kind_of(value)}")
    pairs = []
    for place, item in enumerate(value):
        here = f"{where}[{place}]"
        if not isinstance(item, Mapping) or set(item) != set(names):
            raise ConfigError(f"{here}: expected an object of exactly {names[0]} and {names[1]}")
        one, other = (text_of(item[name], f"{here}.{name}") for name in names)
        pairs.append((one, other))
    return pairs


def _accounts(value: Any, where: str) -> tuple[ServiceAccount, ...]:
    return tuple(ServiceAccount(*pair) for pair in _pairs(value, where, ("username", "secret")))


def _lookup_tables(value: Any, where: str) -> tuple[LookupTable, ...]:
    return tuple(LookupTable(*pair) for pair in _pairs(value, where, ("id", "name")))


def _drop_filters(value: Any, where: str) -> tuple[DropFilter, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{where}: expected a list of objects, got {kind_of(value)}")
    return tuple(_drop_filter(item, f"{where}[{place}]") for place, item in enumerate(value))


def _drop_filter(value: Any, where: str) -> DropFilter:
    if not isinstance(value, Mapping) or not {"event", "property"} & value.keys():
        raise ConfigError(f"{where}: expected an object with event, property or both")
    for name in value:
        check_name(name, [each.name for each in fields(DropFilter)], where)
    for name in sorted({"event", "property"} & value.keys()):
        text_of(value[name], f"{where}.{name}")
    wanted = value.get("value")
    if not isinstance(wanted, str | int | float | bool | None):
        raise ConfigError(f"{where}.value: expected a text, a number or a boolean")
    if "value" in value and "property" not in value:
        raise ConfigError(f"{where}.value: give `property` as well")
    return DropFilter(**value)


LARGEST_ID = 2**53 - 1
"""Every JSON reader keeps numbers up to here."""
MOST_DAYS = 90
"""The longest time for a funnel (docs/facts/mixpanel-http-api.md#other-query-routes)."""


def _objects(
    value: Any, where: str, checks: Mapping[str, Check], required: Sequence[str]
) -> list[dict[str, Any]]:
    """A list of objects of checked members, whose ids differ."""
    if not isinstance(value, list):
        raise ConfigError(f"{where}: expected a list of objects, got {kind_of(value)}")
    found: dict[int, dict[str, Any]] = {}
    for place, item in enumerate(value):
        here = f"{where}[{place}]"
        if not isinstance(item, Mapping) or not set(required) <= set(item):
            raise ConfigError(f"{here}: expected an object with {', '.join(required)}")
        for name in item:
            check_name(name, list(checks), here)
        checked = {name: checks[name](each, f"{here}.{name}") for name, each in item.items()}
        if checked["id"] in found:
            raise ConfigError(f"{here}.id: {checked['id']} is listed twice; remove one")
        found[checked["id"]] = checked
    return list(found.values())


def _whole(most: int) -> Check:
    def check(value: Any, where: str) -> int:
        whole = isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0
        if not (whole and 1 <= value <= most):
            raise ConfigError(f"{where}: expected a whole number from 1 to {most}")
        return int(value)

    return check


def _any_text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{where}: expected a text, got {kind_of(value)}")
    return value


def _date_time(value: Any, where: str) -> str:
    text = text_of(value, where)
    try:
        same = datetime.strptime(text, DATE_TIME).strftime(DATE_TIME) == text
    except ValueError:
        same = False
    if not same:
        raise ConfigError(f"{where}: expected a time such as 2026-06-15 12:00:00")
    return text


def _optional_date_time(value: Any, where: str) -> str | None:
    return None if value is None else _date_time(value, where)


def _steps(value: Any, where: str) -> tuple[str, ...]:
    if value == [] or not isinstance(value, list):
        raise ConfigError(f"{where}: expected a list of at least one event name")
    return _texts(value, where)


def _cohorts(value: Any, where: str) -> tuple[Cohort, ...]:
    checks: dict[str, Check] = {
        "id": _whole(LARGEST_ID),
        "name": text_of,
        "where": text_of,
        "description": _any_text,
        "created": _optional_date_time,
        "is_visible": boolean_of,
    }
    return tuple(Cohort(**each) for each in _objects(value, where, checks, ("id", "name", "where")))


def _funnels(value: Any, where: str) -> tuple[Funnel, ...]:
    checks: dict[str, Check] = {
        "id": _whole(LARGEST_ID),
        "name": text_of,
        "steps": _steps,
        "days": _whole(MOST_DAYS),
    }
    return tuple(Funnel(**each) for each in _objects(value, where, checks, ("id", "name", "steps")))


def _annotations(value: Any, where: str) -> tuple[Annotation, ...]:
    checks = {"id": _whole(LARGEST_ID), "date": _date_time, "description": text_of}
    return tuple(Annotation(**each) for each in _objects(value, where, checks, tuple(checks)))


CHECKS = {
    "token": text_of,
    "secret": _optional_text,
    "project_id": _project_id,
    "identity": _identity,
    "region": _region,
    "alias_delay": _seconds,
    "group_keys": _texts,
    "service_accounts": _accounts,
    "lookup_tables": _lookup_tables,
    "drop_filters": _drop_filters,
    "flags": flags_of,
    "gdpr_delay": _seconds,
    "cohorts": _cohorts,
    "funnels": _funnels,
    "annotations": _annotations,
    "limits": _limits,
    "geo": boolean_of,
}
"""The check of each option, by name."""
