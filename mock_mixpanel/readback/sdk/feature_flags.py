"""Feature flags: the variants of a person, and the definitions that SDKs evaluate themselves
(docs/facts/mixpanel-http-api.md#endpoints-that-sdks-call).

The flags of a project are its option `flags`. A person gets the variant that Mixpanel's own SDKs
choose from the same definition, so that remote and local evaluation agree. The hash depends on the
flag and the person alone.
"""

from typing import Any

import orjson

from mock_mixpanel.projects.config import Project
from mock_mixpanel.projects.flags import FlagDefinition
from mock_mixpanel.readback.access import CallError
from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse

FNV_OFFSET = 0xCBF29CE484222325
FNV_PRIME = 0x100000001B3
"""FNV-1a for 64 bits (RFC 9923)."""


def flags(call: ReadbackCall) -> ReadbackResponse:
    """The variants for a `context`; `flag_key` asks for one flag.

    Python's client needs `code` beside them. Raises CallError 401 without a token, 400 for a
    context that is not a JSON object.
    """
    context, wanted = _context(call), call.params.get("flag_key")
    variants = {
        flag["key"]: variant
        for flag in _enabled(call)
        if wanted in (None, "", flag["key"]) and (variant := variant_of(flag, context))
    }
    return ReadbackResponse.json({"code": 200, "flags": variants})


def definitions(call: ReadbackCall) -> ReadbackResponse:
    """All flags, for local evaluation. Raises CallError 401 without a token."""
    return ReadbackResponse.json({"code": 200, "flags": _enabled(call)})


def first_time_event(call: ReadbackCall, flag_id: str) -> ReadbackResponse:
    """Clients ignore the response. Raises CallError 401 without a token."""
    _project(call)
    return ReadbackResponse.json({"status": "ok"})


def variant_of(flag: FlagDefinition, context: dict[str, Any]) -> dict[str, Any] | None:
    """The variant of a flag for a context, as `/flags` shows it; None without a rollout for it."""
    value = context.get(flag["context"])
    if not value:
        return None
    unit = value if isinstance(value, str) else orjson.dumps(value).decode()
    ruleset, person = flag["ruleset"], context.get("distinct_id")
    chosen = ruleset["test"]["users"].get(person) if isinstance(person, str) else None
    if chosen is not None:
        return _shown(flag, _variant(flag, chosen), is_qa_tester=True)
    for place, rollout in enumerate(ruleset["rollout"]):
        salt = flag["hash_salt"]
        step = "rollout" if salt is None else f"{salt}{place}"
        if normalized_hash(unit, flag["key"] + step) >= rollout["rollout_percentage"]:
            continue
        if not _matches(rollout.get("runtime_evaluation_definition"), context):
            continue
        override = rollout.get("variant_override")
        if override:
            return _shown(flag, _variant(flag, override["key"]), is_qa_tester=True)
        return _shown(flag, _split(flag, unit, rollout.get("variant_splits") or {}))
    return None


def normalized_hash(unit: str, salt: str) -> float:
    """A hash of a person or group and a salt, 0 to 0.99 in steps of 0.01."""
    found = FNV_OFFSET
    for byte in (unit + salt).encode(errors="replace"):
        found = (found ^ byte) * FNV_PRIME & 0xFFFFFFFFFFFFFFFF
    return found % 100 / 100


def _split(flag: FlagDefinition, unit: str, splits: dict[str, float]) -> dict[str, Any]:
    """The variant whose part of the range contains the hash; the last one if the parts do not fill
    the range."""
    place = normalized_hash(unit, f"{flag['key']}{flag['hash_salt'] or ''}variant")
    until = 0.0
    variants: list[dict[str, Any]] = flag["ruleset"]["variants"]
    for variant in variants:
        until += splits.get(variant["key"], variant["split"])
        if place < until:
            return variant
    return variants[-1]


def _variant(flag: FlagDefinition, key: str) -> dict[str, Any]:
    """The variant of a key, in any case."""
    variants: list[dict[str, Any]] = flag["ruleset"]["variants"]
    return next(each for each in variants if each["key"].casefold() == key.casefold())


def _shown(
    flag: FlagDefinition, variant: dict[str, Any], *, is_qa_tester: bool = False
) -> dict[str, Any]:
    found = {"variant_key": variant["key"], "variant_value": variant["value"]}
    for name in ("experiment_id", "is_experiment_active"):
        if flag[name] is not None:
            found[name] = flag[name]
    return {**found, "is_qa_tester": True} if is_qa_tester else found


def _matches(wanted: dict[str, str] | None, context: dict[str, Any]) -> bool:
    """Whether the custom properties of a context have all wanted texts, in any case."""
    if not wanted:
        return True
    given = context.get("custom_properties")
    if not isinstance(given, dict):
        return False
    texts = {name.casefold(): each.casefold() for name, each in given.items() if _is_text(each)}
    return all(texts.get(name.casefold()) == each.casefold() for name, each in wanted.items())


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _context(call: ReadbackCall) -> dict[str, Any]:
    text = call.params.get("context", "")
    if not text:
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise CallError(400, "context must be a JSON object with distinct_id")
    return found


def _enabled(call: ReadbackCall) -> list[FlagDefinition]:
    project = _project(call)
    return [flag for flag in project.flags if flag["status"] == "enabled"] if project else []


def _project(call: ReadbackCall) -> Project | None:
    """The project of a call; None if it has no flags, is unknown or is in another region.

    A token is enough, as user or in the query: it is public, as flags are. A service account names
    its project by `project_id` and must be one of the project's. Raises CallError 401.
    """
    credential, token = call.credential, call.params.get("token")
    if credential is None and not token:
        raise CallError(401, "Authorization is missing; it is Basic and the project token")
    projects, user = call.backend.projects, credential.username if credential else ""
    tokens = [name for name in (token, user) if name]
    found = next((each for each in map(projects.find, tokens) if each and each.flags), None)
    project_id = call.params.get("project_id")
    if (
        found is None
        and project_id
        and project_id in [each.project_id for each in projects.known()]
    ):
        found = call.project()
    if found is None or found.region not in (None, call.envelope.region):
        return None
    call.tokens.add(found.token)
    return found
