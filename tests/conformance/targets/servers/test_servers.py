"""The target `http:URL`: a server that takes Segment's calls."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from conformance.errors import DriverBroken, UsageError
from conformance.runner.mock import Mock
from conformance.runner.outcomes import Verdict
from conformance.runner.run import run_scenario
from conformance.runner.smoke_check import check
from conformance.spec.scenarios.loading import Json, RawLine, Scenario, load_scenarios
from conformance.targets.servers.black_box import WatchedTarget
from conformance.targets.servers.controlled import HttpTarget
from tests.conformance.drivers.server import Server, serving
from tests.thorough import share

SCENARIOS = {scenario.id: scenario for scenario in load_scenarios()}
SETTINGS = {"token": "T", "people": False}


@contextmanager
def told(server: Server) -> Iterator[HttpTarget]:
    target = HttpTarget(server.url)
    try:
        yield target
    finally:
        target.close()


@contextmanager
def watched(server: Server, mock: Mock, settings: Json = SETTINGS) -> Iterator[WatchedTarget]:
    server.send_to(mock.base_urls, **settings)
    target = WatchedTarget(server.url, settings, timeout_seconds=0.5, quiet_seconds=0.1)
    try:
        yield target
    finally:
        target.close()


def not_for_servers(scenario: Scenario) -> bool:
    lines = any(isinstance(each, RawLine) for step in scenario.steps for each in step.messages)
    return lines or bool(scenario.delivery) or scenario.mode != "cloud"


def test_everything_conforms_through_a_server_that_can_be_told(mock: Mock) -> None:
    """Behind the Tracking API our translator passes what a server can do, and skips the rest."""
    chosen = share(SCENARIOS.values(), 2, 4)
    with serving(told=True) as server, told(server) as target:
        found = [run_scenario(each, target, mock) for each in chosen]
    assert [outcome.text() for outcome in found if outcome.verdict.red] == []
    skipped = {outcome.id for outcome in found if outcome.verdict is Verdict.SKIP}
    assert {each.id for each in chosen if not_for_servers(each)} == skipped


def test_calls_are_made_as_segments_libraries_make_them(mock: Mock) -> None:
    """Each call has its path; other messages go into a batch; the write key is the user."""
    with serving(told=True) as server:
        target = HttpTarget(server.url.replace("http://", "http://my-key@"))
        for name in ("track/minimal", "bad_input/not-an-object", "bad_input/unknown-type"):
            assert Verdict.PASS is run_scenario(SCENARIOS[name], target, mock).verdict
        target.close()
    paths = {path for path, _ in server.calls}
    assert {"/v1/track", "/v1/batch"} <= paths
    assert {given for _, given in server.calls} == {f"Basic {b64encode(b'my-key:').decode()}"}


def test_the_write_key_is_not_shown() -> None:
    """The name of the target contains no credentials."""
    target = WatchedTarget("http://my-key@127.0.0.1:9", SETTINGS)
    assert target.about().name == "http://127.0.0.1:9"


def test_a_refused_call_is_noted(mock: Mock) -> None:
    """That a call was turned away at the front is said beside what is missing."""
    with serving(told=True, status=400) as server, told(server) as target:
        assert "refused: POST /v1/track: HTTP 400" in check(target, mock)
        outcome = run_scenario(SCENARIOS["track/minimal"], target, mock)
    assert Verdict.FAIL is outcome.verdict
    assert outcome.notes == ('message 0: POST /v1/track: HTTP 400: {"message": "no"}',)


def test_a_crash_is_a_failure(mock: Mock) -> None:
    """A server that answers with 500 has a translator that crashed."""
    with serving(told=True, status=500) as server, told(server) as target:
        assert "crashed on the simplest event: POST /v1/track: HTTP 500" in check(target, mock)
        outcome = run_scenario(SCENARIOS["track/minimal"], target, mock)
    assert [difference.path for difference in outcome.differences] == ["target"]


def test_a_server_that_cannot_be_told_needs_its_settings(mock: Mock) -> None:
    """Without them nothing can be expected of it; the error says which option."""
    with (
        serving(told=False) as server,
        told(server) as target,
        pytest.raises(UsageError, match=r"HTTP 404.*--settings FILE"),
    ):
        check(target, mock)


def test_a_server_that_is_not_there(mock: Mock) -> None:
    """No server listens at the address: the connection between target and suite is broken."""
    with serving(told=True) as server:
        url = server.url
    with pytest.raises(DriverBroken, match="does not answer POST /_conformance"):
        check(HttpTarget(url), mock)


@pytest.mark.parametrize("url", ["//127.0.0.1", "ftp://127.0.0.1", "127.0.0.1:80", "http://"])
def test_what_is_no_url(url: str) -> None:
    """It is a usage error that shows the form."""
    with pytest.raises(UsageError, match=r"as in 'http:http://127\.0\.0\.1:3000'"):
        HttpTarget(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.mixpanel.com",
        "http://10.0.0.1:3000",
        "http://key@outside.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1:80@outside.example.com",
    ],
)
def test_another_machine_is_refused(url: str) -> None:
    """Scenarios are sent to this machine alone, however an address is disguised."""
    with pytest.raises(UsageError, match="is not this machine"):
        HttpTarget(url)


def test_a_server_with_fixed_settings_is_watched(mock: Mock) -> None:
    """Scenarios with its settings are moved to now and conform; others are skipped, with why."""
    ids = ["track/unicode", "time/four-days-and-23-hours", "alias/people-off", "time/null"]
    ids += ["alias/direction"]
    with serving(told=False) as server, watched(server, mock) as target:
        assert check(target, mock) == "it works: the simplest event made 1 record"
        found = [run_scenario(SCENARIOS[each], target, mock) for each in ids]
    expected = [Verdict.PASS] * 3 + [Verdict.SKIP] * 2
    assert [outcome.verdict for outcome in found] == expected, [one.text() for one in found]
    assert [outcome.reason for outcome in found[3:]] == [
        "the server has a clock of its own: a message has no timestamp",
        "the scenario has other settings than the server",
    ]


def test_settings_left_at_their_default_are_the_same(mock: Mock) -> None:
    """`people` is on unless a setting turns it off: both ways of saying so are one."""
    settings = {"token": "T", "people": True, "sourceName": ""}
    with serving(told=False) as server, watched(server, mock, settings) as target:
        assert SCENARIOS["alias/direction"].settings == {"token": "T"}
        assert (
            "other settings" not in run_scenario(SCENARIOS["alias/direction"], target, mock).reason
        )


def test_a_server_that_sends_elsewhere_fails_the_smoke_check(mock: Mock) -> None:
    """Nothing reaches the mock: the error says where it should have gone."""
    with serving(told=False) as server, watched(server, mock) as target:
        server.status = 200
        with pytest.raises(DriverBroken, match=f"{mock.base_urls['https://api.mixpanel.com']}"):
            check(target, mock)


def test_wrong_settings_of_a_server() -> None:
    """A typo in the file is a usage error."""
    with pytest.raises(UsageError, match=r"--settings: .*peple"):
        WatchedTarget("http://127.0.0.1:9", {"token": "T", "peple": True})
