"""The parts of the command `parity`: placeholders, probes, comparison, waits."""

from typing import Any

import pytest

from conformance.errors import DataError
from conformance.parity import probe as probe_module
from conformance.parity.access import ProjectAccess
from conformance.parity.comparison import ProbeDifference, compare
from conformance.parity.observation import Delays, Observation, Run, observe
from conformance.parity.placeholders import Values
from conformance.parity.probe import Probe, choices, load_probes
from conformance.parity.reference import observe_mock
from conformance.parity.result import ProbeResult, choice_statuses
from conformance.parity.service import LIVE, Service
from mock_mixpanel import Config, Server
from tests.project.paths import ROOT

VALUES = Values("mp1-abc", "T", "company", 1_795_700_000)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("<key>-a", "mp1-abc-a"),
        ("<now-60>", 1_795_699_940),
        ("<ms+60>", 1_795_700_060_000),
        ("<day-1>", "2026-11-25"),
        ("<day>", "2026-11-26"),
        ("<text 3>", "xxx"),
        ("<list 3>", [0, 1, 2]),
        ("<nested 2>", {"inner": {"inner": "leaf"}}),
        ("<nil>", "<nil>"),
        ({"<keys 2>": None, "a": 1}, {"k0": 0, "k1": 1, "a": 1}),
        ({"<profile b>": None}, {"$token": "T", "$distinct_id": "mp1-abc-b"}),
        (
            {"<event a 2>": None, "time": 1},
            {"token": "T", "distinct_id": "mp1-abc-a", "time": 1, "$insert_id": "mp1-abc-2"},
        ),
    ],
)
def test_placeholders(text: Any, filled: Any) -> None:
    """Each placeholder has its value; other text in angle brackets stays."""
    assert VALUES.fill(text) == filled


def test_ids_are_unique_for_run_and_probe() -> None:
    """Two runs, and two probes of a run, share no key, and a key fits an insert id."""
    probes = load_probes()
    keys = {Run(prefix, 0).key(probe) for prefix in ("mp1", "mp2") for probe in probes}
    assert len(keys) == 2 * len(probes)
    assert max(len(f"{Run('mp12345678', 0).key(probe)}-1") for probe in probes) < 36


def test_every_probe_is_about_something_known() -> None:
    """Each probe cites a heading or a choice that exists; there are more than 80."""
    probes = load_probes()
    assert len(probes) > 80
    assert [each.id for each in probes if not each.source and not each.choice] == []
    assert {each.choice for each in probes if each.choice} <= set(choices())


def test_the_choices_are_those_of_the_page() -> None:
    """No case of the page has the name of another, so that a probe means one."""
    cited = {each.choice for each in load_probes() if each.choice}
    assert [each for each in cited if choices().count(each) != 1] == []
    assert (ROOT / "docs" / "reference" / "mock.md").is_file()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"colour": "red"}, "unknown key colour"),
        ({"about": None}, "about is missing"),
        (
            {"source": "docs/" + "facts/mixpanel-http-api.md#no-such"},
            "source 'no-such' does not exist",
        ),
        ({"source": None, "choice": "No such case"}, "choice 'No such case' does not exist"),
        ({"source": None}, "needs a source or a choice"),
        ({"allow": ["everything"]}, "allow 'everything' does not exist"),
        ({"send": [{"to": "/track", "encoding": "xml"}]}, "encoding 'xml' does not exist"),
        ({"send": [{"too": "/track"}]}, "send: unknown key too"),
    ],
)
def test_a_wrong_probe_is_an_error(change: dict[str, Any], error: str) -> None:
    """The error names the probe and what is wrong."""
    data = {
        "id": "x",
        "about": "A probe.",
        "source": "docs/facts/mixpanel-http-api.md#track",
        "send": [{"to": "/track"}],
        **change,
    }
    with pytest.raises(DataError) as raised:
        probe_module._probe(data, "probes/x.yaml: x")
    assert str(raised.value) == f"probes/x.yaml: x: {error}"


def probe(**options: Any) -> Probe:
    return Probe("x", "A probe.", (), **options)


def differences(one: Any, two: Any, *allow: str) -> list[tuple[str, Any, Any]]:
    """The differences of two contents of a project."""
    compared = compare(probe(allow=allow), Observation([], one), Observation([], two))
    return [(each.path, each.mock, each.other) for each in compared.differences]


def rows(*properties: dict[str, Any]) -> dict[str, Any]:
    return {"events": [{"event": "E", "properties": each} for each in properties]}


def test_nothing_is_ignored_by_itself() -> None:
    """Values, kinds and absent members differ unless the probe allows it."""
    assert differences(rows({"a": 1, "b": True}), rows({"a": 2, "b": 1, "c": None})) == [
        ("events/0/properties/a", 1, 2),
        ("events/0/properties/b", True, 1),
        ("events/0/properties/c", "<absent>", None),
    ]


def test_a_missing_row_is_a_difference() -> None:
    """Rows are compared without their order, and their number counts."""
    one, two = {"a": 1}, {"a": 2}
    assert differences(rows(one, two), rows(two, one)) == []
    assert [path for path, _, _ in differences(rows(one, two), rows(two))] == [
        "events/0/properties/a",
        "events/1",
    ]


def test_allowed_values_still_have_a_kind() -> None:
    """An allowed value may differ, but must be there and be of the same kind."""
    one = rows({"$insert_id": "a"})
    assert differences(one, rows({"$insert_id": "b"}), "generated_insert_id") == []
    assert differences(one, rows({"$insert_id": 7}), "generated_insert_id") == [
        ("events/0/properties/$insert_id", "<text>", "<number>")
    ]
    assert differences(one, rows({}), "generated_insert_id") == [
        ("events/0/properties/$insert_id", "<text>", "<absent>")
    ]
    assert differences(rows({"$city": "X"}), rows({}), "server_event") == []


def test_identifiers_are_compared_by_equality() -> None:
    """Two rows of one person differ from two rows of two people, whatever the ids are."""
    same = rows({"n": 1, "distinct_id": "a"}, {"n": 2, "distinct_id": "a"})
    also = rows({"n": 1, "distinct_id": "b"}, {"n": 2, "distinct_id": "b"})
    two = rows({"n": 1, "distinct_id": "a"}, {"n": 2, "distinct_id": "b"})
    assert differences(same, also, "canonical_id") == []
    assert differences(same, two, "canonical_id") == [
        ("events/1/properties/distinct_id", "<id 1>", "<id 2>")
    ]


def test_the_chosen_id_does_not_matter() -> None:
    """The event whose id is not the canonical one says so; which event that is may differ."""
    one = rows(
        {"n": 1, "distinct_id": "a"},
        {"n": 2, "distinct_id": "a", "$distinct_id_before_identity": "b"},
    )
    two = rows(
        {"n": 1, "distinct_id": "b", "$distinct_id_before_identity": "a"},
        {"n": 2, "distinct_id": "b"},
    )
    assert differences(one, two, "canonical_id") == []
    assert differences(one, two) != []


def test_waits_are_injected() -> None:
    """It waits between the rounds of requests and once before reading."""
    access = ProjectAccess("T-0123456789", "S-0123456789")
    waited: list[float] = []
    probes = [each for each in load_probes() if each.id in ("profile-set", "track-plain")]
    with Server(Config(projects=(access.mock_project(),))) as server:
        service = Service.at(server.url, access)
        observe(service, probes, Run("mp1", 1_795_700_000), Delays(waited.append, 10, 180))
        service.close()
    assert waited == [10, 180]


def test_a_choice_with_several_probes() -> None:
    """One difference refutes a choice; it is confirmed only if all its probes are the same."""

    def status(*statuses: Any) -> str:
        results = [ProbeResult(probe(choice="`$remove`"), each) for each in statuses]
        return str(choice_statuses(results)["`$remove`"]["status"])

    assert status("same", "same") == "confirmed"
    assert status("same", "differs", "not tried") == "refuted"
    assert status("same", "not tried") == "not tried"


def test_hosts_of_the_real_mixpanel() -> None:
    """Each region has its three hosts.

    docs/facts/mixpanel-http-api.md#hosts-routes-and-authentication
    """
    assert LIVE["eu"] == {
        "ingestion": "https://api-eu.mixpanel.com",
        "query": "https://eu.mixpanel.com",
        "export": "https://data-eu.mixpanel.com",
    }
    assert LIVE["us"] == {
        "ingestion": "https://api.mixpanel.com",
        "query": "https://mixpanel.com",
        "export": "https://data.mixpanel.com",
    }


@pytest.mark.parametrize("region", ["us", "eu", "in"])
def test_the_region_of_the_mock(region: str) -> None:
    """The mock is used in the region of the project."""
    access = ProjectAccess("T-0123456789", "S-0123456789", region=region)
    [one] = [each for each in load_probes() if each.id == "track-plain"]
    found = observe_mock([one], access, Run("mp1", 1_795_700_000))[one.id]
    suffix = "" if region == "us" else f"-{region}"
    [row] = found.contents["events"]
    assert row["properties"]["$mp_api_endpoint"] == f"api{suffix}.mixpanel.com"


def test_short_credentials_do_not_hide_ordinary_text() -> None:
    """A short credential is hidden as a word of its own, and also as a number."""
    access = ProjectAccess("T", "s", None, "42")
    value = {"error": "Text of T, 42 and 420", "id": 42, "n": 420}
    assert access.redacted(value) == {
        "error": "Text of <token>, <project_id> and 420",
        "id": "<project_id>",
        "n": 420,
    }


def test_the_difference_has_a_path() -> None:
    """A difference names where it is."""
    compared = compare(probe(), Observation([{"status": 200}]), Observation([{"status": 400}]))
    assert compared.differences == (ProbeDifference("answers/0/status", 200, 400),)
