"""The result of a run: one status for each probe, the choices, and the whole as JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from conformance.parity.access import ProjectAccess
from conformance.parity.comparison import Comparison, compare
from conformance.parity.observation import Observation
from conformance.parity.probe import Probe

Status = Literal["same", "differs", "not tried"]
STATUSES: tuple[Status, ...] = ("same", "differs", "not tried")


@dataclass(frozen=True)
class ProbeResult:
    """The result of one probe; `reason` says why it was not tried."""

    probe: Probe
    status: Status
    comparison: Comparison | None = None
    reason: str | None = None


def missing(probe: Probe, access: ProjectAccess) -> str | None:
    """The reason why a probe cannot be tried with this project, or None."""
    if access.identity not in probe.identity:
        return f"needs a project with identity {' or '.join(probe.identity)}"
    if probe.needs_secret and not access.can_read:
        return "needs --secret or --service-account"
    if "groups" in probe.read and not (access.group_key and access.project_id):
        return "needs --group-key and --project-id"
    if any("<group " in str(each.records) for each in probe.send) and not access.group_key:
        return "needs --group-key"
    return None


def judged(probe: Probe, mock: Observation, other: Observation) -> ProbeResult:
    """The result of a probe that was sent to both.

    If stored data could not be read, the responses alone can show a difference.
    """
    failure = other.failure or mock.failure
    if not failure:
        comparison = compare(probe, mock, other)
        return ProbeResult(probe, "differs" if comparison.differences else "same", comparison)
    if len(mock.answers) == len(other.answers):
        comparison = compare(probe, Observation(mock.answers), Observation(other.answers))
        if comparison.differences:
            return ProbeResult(probe, "differs", comparison, failure)
    return ProbeResult(probe, "not tried", reason=failure)


def mark_unread(mocks: Mapping[str, Observation], others: Mapping[str, Observation]) -> None:
    """Mark results that were read too early: the other service has no event or no profile of the
    run at all. Use it only for a service that needs time; otherwise a service that stores nothing
    would not be reported.
    """
    for kind in ("events", "profiles", "groups"):

        def stored(found: Mapping[str, Observation], kind: str = kind) -> bool:
            return any(_not_empty(each.contents.get(kind)) for each in found.values())

        if stored(mocks) and not stored(others):
            for each in others.values():
                if kind in each.contents and not each.failure:
                    each.failure = f"no {kind} of this run can be read yet: increase --wait"


def _not_empty(contents: Any) -> bool:
    values = contents.values() if isinstance(contents, dict) else contents or ()
    return any(values)


def choice_statuses(results: Sequence[ProbeResult]) -> dict[str, dict[str, Any]]:
    """The choices of docs/reference/mock.md that probes are about: confirmed, refuted, not tried.

    A choice is confirmed if all its probes are the same, refuted if one differs.
    """
    by_choice: dict[str, list[ProbeResult]] = {}
    for each in results:
        if each.probe.choice:
            by_choice.setdefault(each.probe.choice, []).append(each)
    found = {}
    for choice, some in by_choice.items():
        statuses = {each.status for each in some}
        status = "confirmed" if statuses == {"same"} else "not tried"
        status = "refuted" if "differs" in statuses else status
        found[choice] = {"status": status, "probes": [each.probe.id for each in some]}
    return found


def counts(results: Sequence[ProbeResult]) -> dict[Status, int]:
    """The number of probes by status."""
    found = Counter(each.status for each in results)
    return {status: found[status] for status in STATUSES}


def as_json(
    results: Sequence[ProbeResult], access: ProjectAccess, run: Mapping[str, Any]
) -> dict[str, Any]:
    """The file to send: no credentials, and no values that a probe allows to differ."""
    value = {
        "format": 1,
        "run": dict(run),
        "counts": counts(results),
        "choices": choice_statuses(results),
        "probes": [_probe_json(each) for each in results],
    }
    found: dict[str, Any] = access.redacted(value)
    return found


def _probe_json(result: ProbeResult) -> dict[str, Any]:
    probe = result.probe
    found: dict[str, Any] = {"id": probe.id, "about": probe.about, "status": result.status}
    found |= {name: each for name in ("source", "choice") if (each := getattr(probe, name))}
    if result.reason:
        found["reason"] = result.reason
    if result.comparison:
        found["allowed"] = {name: each.reason for name, each in probe.allowed().items()}
        found["differences"] = [vars(each) for each in result.comparison.differences]
        found["mock"] = result.comparison.mock
        if result.comparison.differences:
            found["other"] = result.comparison.other
    return found
