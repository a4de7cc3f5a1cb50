"""The project option `flags`: feature flags with variants, and their rollout.

A flag has the shape of Mixpanel's own flag definitions
(docs/facts/mixpanel-http-api.md#endpoints-that-sdks-call), so that one read from Mixpanel can be
pasted. Only `key` and the variants are needed.
"""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from mock_mixpanel.projects.checks import (
    Check,
    ConfigError,
    boolean_of,
    check_name,
    kind_of,
    text_of,
)
from mock_mixpanel.suggestions import suggestion

FlagDefinition = dict[str, Any]
"""A flag as `GET /flags/definitions` shows it, with all members that have a default."""

DEFAULTS: FlagDefinition = {
    "status": "enabled",
    "context": "distinct_id",
    "project_id": 0,
    "hash_salt": None,
    "experiment_id": None,
    "is_experiment_active": None,
}

STATUSES = ("enabled", "disabled")


def flags_of(value: Any, where: str) -> tuple[FlagDefinition, ...]:
    """Check the definitions of a project's flags, and fill in what is not given.

    Raises ConfigError, naming the place.
    """
    found: dict[str, FlagDefinition] = {}
    for place, item in enumerate(_list(value, where)):
        here = f"{where}[{place}]"
        flag = _members(item, here, FLAG, ("key", "ruleset"))
        key = flag["key"]
        if key in found:
            raise ConfigError(f"{here}.key: {key!r} is defined twice; remove one")
        found[key] = {"id": key, "name": key, **DEFAULTS, **flag}
    return tuple(found.values())


def _ruleset(value: Any, where: str) -> dict[str, Any]:
    members = _members(value, where, RULESET, ("variants",))
    # SDKs split people over the variants in the order of their keys; Node's in the order given.
    given = sorted(members["variants"], key=itemgetter("key"))
    variants = [{"is_control": False, **each} for each in given]
    keys = [each["key"] for each in variants]
    if len(set(keys)) < len(keys) or not keys:
        raise ConfigError(f"{where}.variants: expected variants, each with a key of its own")
    if not any("split" in each for each in variants):
        variants = [{**each, "split": 1 / len(variants)} for each in variants]
    rollout = members.get("rollout", [{"rollout_percentage": 1}])
    test = members.get("test") or {"users": {}}
    for place, step in enumerate(rollout):
        here = f"{where}.rollout[{place}]"
        override = step.get("variant_override")
        named = [override["key"]] if override else []
        _check_keys([*named, *(step.get("variant_splits") or {})], keys, here)
    _check_keys(list(test["users"].values()), keys, f"{where}.test.users")
    return {
        "variants": [{"split": 0.0, **each} for each in variants],
        "rollout": rollout,
        "test": test,
    }


def _check_keys(named: list[str], known: list[str], where: str) -> None:
    for key in named:
        if key.casefold() not in [each.casefold() for each in known]:
            raise ConfigError(f"{where}: there is no variant {key!r}{suggestion(key, known)}")


def _members(
    value: Any, where: str, checks: Mapping[str, Check], needed: tuple[str, ...]
) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: expected an object, got {kind_of(value)}")
    for name in needed:
        if name not in value:
            raise ConfigError(f"{where}.{name}: missing")
    for name in value:
        check_name(name, tuple(checks), where)
    return {name: checks[name](each, f"{where}.{name}") for name, each in value.items()}


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise ConfigError(f"{where}: expected a list of objects, got {kind_of(value)}")
    return value


def _object_of(checks: Mapping[str, Check], *needed: str) -> Check:
    return lambda value, where: _members(value, where, checks, needed)


def _list_of(check: Check) -> Check:
    def checked(value: Any, where: str) -> list[Any]:
        return [check(each, f"{where}[{at}]") for at, each in enumerate(_list(value, where))]

    return checked


def _map_of(check: Check) -> Check:
    def checked(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: expected an object, got {kind_of(value)}")
        return {
            text_of(name, where): check(each, f"{where}.{name}") for name, each in value.items()
        }

    return checked


def _or_null(check: Check) -> Check:
    return lambda value, where: None if value is None else check(value, where)


def _share(value: Any, where: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:
        raise ConfigError(f"{where}: expected a share, 0 to 1, got {kind_of(value)}")
    return float(value)


def _any(value: Any, where: str) -> Any:
    return value


def _number_or_text(value: Any, where: str) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return text_of(value, where)


def _status(value: Any, where: str) -> str:
    if value not in STATUSES:
        raise ConfigError(f"{where}: {value!r} is not one of {', '.join(STATUSES)}")
    return str(value)


VARIANT: Mapping[str, Check] = {
    "key": text_of,
    "value": _any,
    "is_control": boolean_of,
    "split": _share,
}
ROLLOUT: Mapping[str, Check] = {
    "rollout_percentage": _share,
    "variant_override": _or_null(_object_of({"key": text_of}, "key")),
    "variant_splits": _or_null(_map_of(_share)),
    "runtime_evaluation_definition": _or_null(_map_of(text_of)),
}
RULESET: Mapping[str, Check] = {
    "variants": _list_of(_object_of(VARIANT, "key", "value")),
    "rollout": _list_of(_object_of(ROLLOUT, "rollout_percentage")),
    "test": _or_null(_object_of({"users": _map_of(text_of)}, "users")),
}
FLAG: Mapping[str, Check] = {
    "id": text_of,
    "name": text_of,
    "key": text_of,
    "status": _status,
    "project_id": _number_or_text,
    "workspace_id": _number_or_text,
    "context": text_of,
    "hash_salt": _or_null(text_of),
    "experiment_id": _or_null(text_of),
    "is_experiment_active": _or_null(boolean_of),
    "ruleset": _ruleset,
}
"""The check of each member, by name."""
