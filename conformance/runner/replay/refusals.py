"""The reasons why data is missing from the project of a target: it was refused or misdirected."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from conformance.runner.compare import Difference, Kind, json_step
from conformance.runner.mock import Mock
from conformance.runner.replay.contents import IDENTITY_EVENTS, plain_id
from conformance.spec.scenarios.loading import Json

_SECTIONS = {"/track": "events", "/import": "events", "/engage": "profiles", "/groups": "groups"}
_EVENT = re.compile(r"events\[\d+\]")
SHOWN = 3
"""Maximum number of reasons for one difference."""


class Refusal(NamedTuple):
    """A record that is not in the project: its section, the record, and the reason in words."""

    section: str
    record: Any
    reason: str


def refusals(mock: Mock, token: str) -> list[Refusal]:
    """Every record that the mock refused or stored in another project."""
    return [*_refused(mock), *_failed_requests(mock), *_astray(mock, token)]


def explained(differences: Iterable[Difference], found: Sequence[Refusal]) -> list[Difference]:
    """The differences; those of missing data have the reasons of the refusals that can be the
    cause."""
    return [_explained(each, found) for each in differences] if found else list(differences)


def _refused(mock: Mock) -> Iterator[Refusal]:
    for each in mock.rejected():
        path = each["endpoint"].rstrip("/")
        reasons = "; ".join(map(str, each["reasons"]))
        yield Refusal(
            _SECTIONS.get(path, ""), each["record"], f"the mock refused {path}: {reasons}"
        )


def _failed_requests(mock: Mock) -> Iterator[Refusal]:
    for request in mock.requests():
        path, status = request["path"].rstrip("/"), request["response"]["status"]
        if status >= 400 and not request["verdicts"]:
            yield Refusal("", None, f"the mock answered {path} with HTTP status {status}")


def _astray(mock: Mock, token: str) -> Iterator[Refusal]:
    for request in mock.requests():
        path = request["path"].rstrip("/")
        for record in request["payload"] if path in _SECTIONS else ():
            named = _token(record)
            if named not in (None, "", token):
                reason = f"{path}: it has the token of another project"
                yield Refusal(_SECTIONS[path], record, reason)


def _token(record: Any) -> Any:
    if not isinstance(record, dict):
        return None
    properties = record.get("properties")
    return properties.get("token") if isinstance(properties, dict) else record.get("$token")


def _explained(difference: Difference, found: Sequence[Refusal]) -> Difference:
    if difference.kind is Kind.UNEXPECTED:
        return difference
    reasons = [each.reason for each in found if _concerns(each, difference)]
    if not reasons:
        return difference
    shown = list(dict.fromkeys(reasons))[:SHOWN]
    return replace(difference, reason="; ".join(shown))


def _concerns(refusal: Refusal, difference: Difference) -> bool:
    """Whether the difference can be the effect of this refusal."""
    section = re.split(r"[.\[]", difference.path, maxsplit=1)[0]
    record = refusal.record
    if not isinstance(record, dict):
        return refusal.section in ("", section) and _is_whole(difference)
    if section == "people":
        return refusal.section == "events" and record.get("event") in IDENTITY_EVENTS
    if section != refusal.section:
        return False
    if section == "events":
        whole = difference.kind is Kind.MISSING and _EVENT.fullmatch(difference.path)
        return bool(whole) and record.get("event") == difference.expected["event"]
    if section == "profiles":
        start = f"profiles{json_step(plain_id(record.get('$distinct_id')))}"
    else:
        key, name = str(record.get("$group_key")), str(record.get("$group_id"))
        start = f"groups{json_step(key)}{json_step(name)}"
    if not difference.path.startswith(start):
        return False
    property_path = difference.path[len(start) :]
    return not property_path or any(json_step(name) == property_path for name in _names(record))


def _is_whole(difference: Difference) -> bool:
    """Whether a whole event, profile or group is missing."""
    return difference.kind is Kind.MISSING and isinstance(difference.expected, dict)


def _names(record: Json) -> Iterator[str]:
    """The properties that an update of a profile is about."""
    for value in record.values():
        if isinstance(value, dict):
            yield from map(str, value)
