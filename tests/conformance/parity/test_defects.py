"""The probes against a second mock: equal, and broken on purpose in many ways."""

from functools import cache

import pytest

from conformance.parity.access import ProjectAccess
from conformance.parity.observation import Observation, Run, observe
from conformance.parity.probe import MODES, Probe, load_probes
from conformance.parity.reference import observe_mock
from conformance.parity.result import judged, missing
from conformance.parity.service import Service
from tests.conformance.parity.broken_mixpanel import Defect, defects, second_mixpanel

NOW = 1_795_700_000
RUN = Run("mpt3st", NOW)


def access_of(identity: str) -> ProjectAccess:
    return ProjectAccess("token-0123456789", "secret-9876543210", None, "4242", identity, "company")


DEFECTS = defects(access_of("simplified"))


def tried(identity: str) -> list[Probe]:
    """The probes that a project with an identity system can answer."""
    return [probe for probe in load_probes() if not missing(probe, access_of(identity))]


@cache
def reference(identity: str) -> dict[str, Observation]:
    """What the mock does with all probes."""
    return observe_mock(tried(identity), access_of(identity), RUN)


def observed(defect: Defect, probes: list[Probe]) -> dict[str, Observation]:
    """The observations of a second mock; its clock is that of the run."""
    access = access_of(defect.identity)
    with second_mixpanel(access, defect, NOW) as url:
        service = Service.at(url, access)
        try:
            return observe(service, probes, RUN)
        finally:
            service.close()


@pytest.mark.parametrize("identity", MODES)
def test_an_equal_mock_has_no_difference(identity: str) -> None:
    """A second mock without a defect is the same in every probe."""
    probes = tried(identity)
    mocks = reference(identity)
    others = observed(Defect((), identity=identity), probes)
    results = [judged(each, mocks[each.id], others[each.id]) for each in probes]
    assert [(each.probe.id, each.status) for each in results] == [
        (probe.id, "same") for probe in probes
    ]


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_is_found(name: str) -> None:
    """A second mock with a defect differs in the probes for it."""
    defect = DEFECTS[name]
    by_id = {probe.id: probe for probe in tried(defect.identity)}
    probes = [by_id[probe_id] for probe_id in defect.probes]
    mocks = reference(defect.identity)
    others = observed(defect, probes)
    results = {each.id: judged(each, mocks[each.id], others[each.id]).status for each in probes}
    assert results == dict.fromkeys(defect.probes, "differs")


STORES_NOTHING = {
    "encoding-bare-json-in-form",
    "import-1970",
    "import-bad-insert-id",
    "import-far-future",
    "import-forbidden-id",
    "import-long-insert-id",
    "import-wrong-credential",
    "import-wrong-not-strict",
    "track-deep-nesting",
    "track-ignore-true",
    "track-many-elements",
    "track-many-properties",
    "track-page-view",
    "track-time-is-text",
    "track-too-old",
}
"""Probes that read events and whose events the mock does not store."""


def test_the_reading_is_not_empty() -> None:
    """All other probes that read events read at least one."""
    probes = [each for each in tried("simplified") if "events" in each.read]
    found = reference("simplified")
    empty = {each.id for each in probes if not found[each.id].contents["events"]}
    assert empty == STORES_NOTHING
