"""Sends all probes to one Mixpanel, then reads its data.

Probes are sent in rounds: the first requests of all probes, then the second ones. So the pauses
that a real service needs between the requests of a probe are few.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from conformance.parity.encoding import FORM, HttpRequest, encoded
from conformance.parity.placeholders import Values
from conformance.parity.probe import Probe
from conformance.parity.service import EXPORT, Service, ServiceUnavailable, answer, parsed

DAYS_READ = 11
"""Days before today that are exported; events of probes are younger or are not read."""

ENGAGE = "/api/query/engage"
IDS_AT_ONCE = 50
MOST_PAGES = 20
"""Pages of a query that are read; groups are read as a whole."""


@dataclass(frozen=True)
class Run:
    """The unique values of a run: `prefix` begins every id; `now` is in seconds since 1970."""

    prefix: str
    now: int

    def key(self, probe: Probe) -> str:
        """The text that begins all ids of a probe."""
        return f"{self.prefix}-{hashlib.sha256(probe.id.encode()).hexdigest()[:6]}"


@dataclass(frozen=True)
class Delays:
    """The waits for a service that needs time, in seconds; 0 for no wait.

    `wait` is called with the length.
    """

    wait: Callable[[float], None]
    between_rounds: float = 0
    before_reading: float = 0


NO_DELAYS = Delays(lambda seconds: None)


@dataclass
class Observation:
    """The responses and data of one Mixpanel for a probe; `failure` is the reason if they are
    unknown."""

    answers: list[dict[str, Any]] = field(default_factory=list)
    contents: dict[str, Any] = field(default_factory=dict)
    failure: str | None = None

    def value(self) -> dict[str, Any]:
        """Everything as one JSON value."""
        return {"answers": self.answers, **self.contents}


def observe(
    service: Service, probes: Sequence[Probe], run: Run, delays: Delays = NO_DELAYS
) -> dict[str, Observation]:
    """The observations of all probes, by id."""
    found = {probe.id: Observation() for probe in probes}
    values = {probe.id: _values(service, probe, run) for probe in probes}
    rounds = max((len(probe.send) for probe in probes), default=0)
    for number in range(rounds):
        if number:
            delays.wait(delays.between_rounds)
        for probe in probes:
            observation = found[probe.id]
            if number >= len(probe.send) or observation.failure:
                continue
            request = encoded(probe.send[number], values[probe.id], service.access)
            try:
                observation.answers.append(answer(service.send(request), probe.headers))
            except ServiceUnavailable as error:
                observation.failure = str(error)
    readers: dict[str, Callable[[], None]] = {
        "events": lambda: _read_events(service, probes, run, found),
        "profiles": lambda: _read_profiles(service, probes, values, found),
        "groups": lambda: _read_groups(service, probes, values, found),
    }
    if any(probe.read for probe in probes):
        delays.wait(delays.before_reading)
    for kind, read in readers.items():
        asked = [probe for probe in probes if kind in probe.read]
        if not asked:
            continue
        try:
            read()
        except ServiceUnavailable as error:
            for probe in asked:
                found[probe.id].failure = found[probe.id].failure or f"{kind} not read: {error}"
    return found


def _values(service: Service, probe: Probe, run: Run) -> Values:
    access = service.access
    return Values(run.key(probe), access.token, access.group_key or "", run.now)


def _ask(service: Service, path: str, query: Mapping[str, str]) -> str:
    """A read request with the project's credential; returns the body of a 200."""
    access = service.access
    parameters = {**query, **access.project_parameter("secret")}
    headers = access.authorization("secret")
    return _text(service, HttpRequest("GET", path, parameters, headers, b""))


def _text(service: Service, request: HttpRequest) -> str:
    response = service.send(request)
    if response.status != 200:
        raise ServiceUnavailable(f"{request.path} answered {response.status}")
    return response.body.decode(errors="replace")


def _json(text: str, path: str) -> Any:
    try:
        return parsed(text)
    except ValueError as error:
        raise ServiceUnavailable(
            f"{path} answered with JSON that cannot be read: {error}"
        ) from None


def _read_events(
    service: Service, probes: Sequence[Probe], run: Run, found: Mapping[str, Observation]
) -> None:
    """One export for all probes; a row is of the probe whose key it contains."""
    days = Values("", "", "", run.now).fill({"from_date": f"<day-{DAYS_READ}>", "to_date": "<day>"})
    rows = [line for line in _ask(service, EXPORT, days).splitlines() if run.prefix in line]
    for probe in probes:
        if "events" in probe.read:
            key = run.key(probe)
            found[probe.id].contents["events"] = [_json(row, EXPORT) for row in rows if key in row]


def _read_profiles(
    service: Service,
    probes: Sequence[Probe],
    values: Mapping[str, Values],
    found: Mapping[str, Observation],
) -> None:
    asked = {
        probe.id: [str(values[probe.id].fill(each)) for each in probe.profiles]
        for probe in probes
        if "profiles" in probe.read
    }
    ids = [each for some in asked.values() for each in some]
    profiles: dict[str, Any] = {}
    for start in range(0, len(ids), IDS_AT_ONCE):
        wanted = json.dumps(ids[start : start + IDS_AT_ONCE])
        profiles |= _engage(service, {"distinct_ids": wanted})
    for probe_id, names in asked.items():
        found[probe_id].contents["profiles"] = {name: profiles.get(name) for name in names}


def _read_groups(
    service: Service,
    probes: Sequence[Probe],
    values: Mapping[str, Values],
    found: Mapping[str, Observation],
) -> None:
    access = service.access
    path = f"/api/app/projects/{access.project_id}/data-groups/"
    listed = _json(_ask(service, path, {}), path)
    try:
        rows = listed["results"] if isinstance(listed, dict) else listed
        by_key = {each["property_name"]: each["data_group_id"] for each in rows}
    except (KeyError, TypeError):
        raise ServiceUnavailable(f"{path} answered in another form") from None
    if access.group_key not in by_key:
        raise ServiceUnavailable(f"the project has no group key {access.group_key!r}")
    groups = _engage(service, {"data_group_id": str(by_key[access.group_key])})
    for probe in probes:
        if "groups" in probe.read:
            key = values[probe.id].key
            found[probe.id].contents["groups"] = {
                name: each for name, each in groups.items() if name.startswith(key)
            }


def _engage(service: Service, query: Mapping[str, str]) -> dict[str, Any]:
    """The properties of all profiles that a query finds, page by page.

    The parameters are sent as a form (docs/facts/mixpanel-http-api.md#engage-query).
    """
    access = service.access
    headers = {**access.authorization("secret"), "Content-Type": FORM}
    parameters = access.project_parameter("secret")
    profiles: dict[str, Any] = {}
    page: dict[str, str] = {}
    for number in range(1, MOST_PAGES + 1):
        body = urlencode({**query, **page}).encode()
        request = HttpRequest("POST", ENGAGE, parameters, headers, body)
        answered = _json(_text(service, request), ENGAGE)
        try:
            results = answered["results"]
            profiles |= {str(each["$distinct_id"]): each["$properties"] for each in results}
            if not results or len(results) < answered["page_size"]:
                return profiles
            page = {"session_id": str(answered["session_id"]), "page": str(number)}
        except (KeyError, TypeError):
            raise ServiceUnavailable(f"{ENGAGE} answered in another form") from None
    raise ServiceUnavailable(f"{ENGAGE} has more than {MOST_PAGES} pages: use a new project")
