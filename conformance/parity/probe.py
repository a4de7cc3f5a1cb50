"""Reads the probes from `probes/*.yaml` and the allowed differences from `allowed.yaml`."""

import re
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from conformance.errors import DataError
from conformance.spec.citations.facts import fact_headings
from conformance.spec.data import DATA
from conformance.spec.yaml_text import YamlTextError, parse_yaml

MODES = ("legacy", "original", "simplified")
"""The identity systems of a project."""

ENCODINGS = (
    *("json", "ndjson", "form", "form-base64", "form-base64-unescaped", "form-base64-url"),
    *("beacon", "get", "get-base64", "raw"),
)
AUTHS = ("none", "secret", "secret-without-colon", "token", "wrong")
READS = ("events", "profiles", "groups")


@dataclass(frozen=True)
class ProbeRequest:
    """One HTTP request of a probe, with placeholders.

    `records` are encoded as `encoding` says, `repeat` times; `single` sends the one record without
    a list. `body` is sent as it is (encoding `raw`). `form` are control parameters in the body.
    """

    to: str
    method: str = "POST"
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    encoding: str = "json"
    gzip: bool = False
    auth: str = "none"
    records: list[Any] = field(default_factory=list)
    repeat: int = 1
    single: bool = False
    body: str = ""
    form: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Allowed:
    """Differences that are legitimate, each with its reason.

    `values` are paths whose values may differ while their kind must not; `presence` are paths that
    may also be absent on one side, and `identifiers` are paths whose values are only compared by
    which of them are equal to each other. A `*` in a path is any one step.
    """

    reason: str
    values: tuple[str, ...] = ()
    presence: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Probe:
    """One behaviour of Mixpanel, as requests and what to read afterwards.

    `source` is a heading of a page of facts, `choice` a case of docs/reference/mock.md; a probe has
    at least one of them. `identity` names the identity systems that it needs. `headers` are the
    response headers to compare.
    """

    id: str
    about: str
    send: tuple[ProbeRequest, ...]
    source: str | None = None
    choice: str | None = None
    identity: tuple[str, ...] = MODES
    read: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()

    @property
    def needs_secret(self) -> bool:
        """Whether it needs a credential of the project."""
        return bool(self.read) or any(each.auth.startswith("secret") for each in self.send)

    @property
    def records(self) -> int:
        """The number of records that it sends."""
        return sum(len(each.records) * each.repeat for each in self.send)

    def allowed(self) -> dict[str, Allowed]:
        """The allowed differences, by name."""
        return {name: allowed_differences()[name] for name in self.allow}


@cache
def load_probes() -> tuple[Probe, ...]:
    """All probes, in the order of their files. Raises DataError for a wrong one."""
    folder = files("conformance.parity") / "probes"
    found: dict[str, Probe] = {}
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if not file.name.endswith(".yaml"):
            continue
        for data in _parsed(file):
            probe = _probe(data, f"parity/probes/{file.name}: {data.get('id')}")
            if probe.id in found:
                raise DataError(f"parity/probes/{file.name}: the id {probe.id} is used twice")
            found[probe.id] = probe
    return tuple(found.values())


@cache
def allowed_differences() -> dict[str, Allowed]:
    """The named sets of `allowed.yaml`."""
    data = _parsed(files("conformance.parity") / "allowed.yaml")
    return {
        name: Allowed(
            each["reason"],
            *(tuple(each.get(paths, ())) for paths in ("values", "presence", "identifiers")),
        )
        for name, each in data.items()
    }


@cache
def choices() -> tuple[str, ...]:
    """The cases of docs/reference/mock.md: first cells of its tables, and names of its list."""
    page = files("mock_mixpanel").joinpath("inspector", "docs", "reference", "mock.md")
    if not page.is_file():  # in a checkout
        page = Path(str(DATA)).parent / "docs" / "reference" / "mock.md"
    found = []
    for line in page.read_text(encoding="utf-8").splitlines():
        if row := re.match(r"\| ([^|]+) \|", line):
            found.append(row[1].strip())
        elif item := re.match(r"- \*\*(.+?)\.\*\*", line):
            found.append(item[1])
    return tuple(found)


def _parsed(file: Traversable) -> Any:
    try:
        return parse_yaml(file.read_text(encoding="utf-8"))
    except YamlTextError as error:
        raise DataError(f"parity/{file.name}: {error}") from error


def _probe(data: dict[str, Any], where: str) -> Probe:
    _check_keys(data, Probe, where)
    for name in ("id", "about", "send"):
        if not data.get(name):
            raise DataError(f"{where}: {name} is missing")
    requests = []
    for each in data["send"]:
        _check_keys(each, ProbeRequest, f"{where}: send")
        requests.append(ProbeRequest(**each))
    lists = ("identity", "read", "profiles", "headers", "allow")
    rest = {name: tuple(data[name]) for name in lists if name in data}
    probe = Probe(**{**data, **rest, "send": tuple(requests)})
    _check(probe, where)
    return probe


def _check_keys(data: dict[str, Any], kind: type, where: str) -> None:
    unknown = set(data) - {each.name for each in fields(kind)}
    if unknown:
        raise DataError(f"{where}: unknown key {sorted(unknown)[0]}")


def _check(probe: Probe, where: str) -> None:
    def check(name: str, given: tuple[str, ...], known: Any) -> None:
        for each in given:
            if each not in known:
                raise DataError(f"{where}: {name} {each!r} does not exist")

    check("encoding", tuple(each.encoding for each in probe.send), ENCODINGS)
    check("auth", tuple(each.auth for each in probe.send), AUTHS)
    check("identity", probe.identity, MODES)
    check("read", probe.read, READS)
    check("allow", probe.allow, allowed_differences())
    if probe.source is None and probe.choice is None:
        raise DataError(f"{where}: needs a source or a choice")
    if probe.choice is not None:
        check("choice", (probe.choice,), choices())
    if probe.source is not None:
        page, _, heading = probe.source.partition("#")
        check("source", (heading,), fact_headings().get(page, {}))
