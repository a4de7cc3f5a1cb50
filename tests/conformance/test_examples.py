"""The examples in docs/examples: translators in other languages, as their reader would run them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import main
from conformance.runner.mock import Mock
from conformance.runner.outcomes import Outcome, Verdict
from conformance.runner.run import run_scenario
from conformance.runner.smoke_check import check
from conformance.spec.scenarios.loading import load_scenarios
from conformance.spec.scenarios.needs import is_about_delivery
from conformance.targets.drivers.exec import ExecTarget
from conformance.targets.servers.black_box import WatchedTarget
from conformance.targets.servers.controlled import HttpTarget
from conformance.targets.target import Target
from tests.clients.needs import program
from tests.project.paths import ROOT

EXAMPLES = ROOT / "docs" / "examples"
SCENARIOS = {scenario.id: scenario for scenario in load_scenarios()}


def outcomes(target: Target, mock: Mock, ids: list[str]) -> dict[str, Outcome]:
    return {each: run_scenario(SCENARIOS[each], target, mock) for each in ids}


@contextmanager
def node_server(**environment: str) -> Iterator[str]:
    """The URL of the example's server."""
    command = [program("node"), str(EXAMPLES / "node" / "server.mjs")]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@pytest.fixture
def node_driver() -> Iterator[ExecTarget]:
    target = ExecTarget(f"{program('node')} {EXAMPLES / 'node' / 'driver.mjs'}")
    yield target
    target.close()


def test_node_gets_the_same_verdicts_through_exec_and_http(
    node_driver: ExecTarget, mock: Mock
) -> None:
    """One translator behind a driver and behind a server: no verdict on what it sends differs.

    Every seventh scenario shows it; with our translator, a thorough run takes all either way.
    """
    ids = [
        name
        for name, each in SCENARIOS.items()
        # What is about delivery is about our sender in one case, about its own in the other.
        if not is_about_delivery(each)
    ][::7]
    with node_server() as url:
        server = HttpTarget(url)
        assert check(node_driver, mock) == "it works: the simplest event made 1 record"
        assert check(server, mock) == "it works: the simplest event made 1 record"
        through_driver = outcomes(node_driver, mock, ids)
        through_server = outcomes(server, mock, ids)
        server.close()
    assert {name: each.verdict for name, each in through_driver.items()} == {
        name: each.verdict for name, each in through_server.items()
    }
    broken = [each.text() for each in through_driver.values() if each.verdict is Verdict.ERROR]
    assert broken == []
    passed = [name for name, each in through_driver.items() if each.verdict is Verdict.PASS]
    assert len(passed) > 60


def test_node_is_judged_rightly(node_driver: ExecTarget, mock: Mock) -> None:
    """What it does right passes, what it does wrong fails, and what it lacks is skipped."""
    found = outcomes(
        node_driver,
        mock,
        [
            "track/unicode",
            "alias/direction",
            "eu_endpoint/identify",
            "time/five-days-and-a-millisecond",
            "alias/forbidden-previous-id",
            "special_traits/created-at-seconds",
            "super_properties/listed",
            "bad_input/not-json",
        ],
    )
    assert {name: each.verdict for name, each in found.items()} == {
        "track/unicode": Verdict.PASS,
        "alias/direction": Verdict.PASS,
        "eu_endpoint/identify": Verdict.PASS,
        "time/five-days-and-a-millisecond": Verdict.PASS,
        "alias/forbidden-previous-id": Verdict.FAIL,
        "special_traits/created-at-seconds": Verdict.FAIL,
        "super_properties/listed": Verdict.SKIP,
        "bad_input/not-json": Verdict.SKIP,
    }
    # It does not know createdAt as the date of creation, and keeps it as it came.
    wrong = found["special_traits/created-at-seconds"].differences
    assert sorted((each.path, each.kind) for each in wrong) == [
        ("requests[0].record.$set.$created", "missing"),
        ("requests[0].record.$set.createdAt", "unexpected"),
    ]
    assert found["super_properties/listed"].reason == "this translator has no superProperties"


def test_node_server_that_is_told_nothing(mock: Mock) -> None:
    """Configured as any server, with the mock as its Mixpanel, it is watched."""
    us, eu = mock.base_urls.values()
    settings = {"token": "T"}
    with node_server(MIXPANEL=us, MIXPANEL_EU=eu) as url:
        target = WatchedTarget(url, settings, quiet_seconds=0.1)
        assert check(target, mock) == "it works: the simplest event made 1 record"
        found = outcomes(target, mock, ["alias/direction", "time/four-years"])
        target.close()
    assert Verdict.PASS is found["alias/direction"].verdict, found["alias/direction"].text()


def test_node_server_from_the_command_line(tmp_path: Path) -> None:
    """With fixed ports for the mock a server needs no more than its address and settings."""
    settings = tmp_path / "settings.json"
    settings.write_text('{"token": "T"}')
    # Two ports of this process, below those that the system hands out to others.
    port = 20_000 + os.getpid() % 5_000 * 2
    with node_server(MIXPANEL=f"http://127.0.0.1:{port}", SETTINGS=str(settings)) as url:
        options = ["--settings", str(settings), "--mock-port", str(port)]
        result = CliRunner().invoke(
            main, ["run", "alias/direction", "track/unicode", "--target", f"http:{url}", *options]
        )
    assert (
        "smoke check: it works: the simplest event made 1 record\n"
        "skipped 1: the scenario has other settings than the server\n"
        "1 of 1 behaviours hold, 1 not applicable.\n"
        "1 passed, 0 failed, 1 skipped; "
    ) in result.stdout, result.stderr
    assert result.exit_code == 0


def test_shell(mock: Mock) -> None:
    """The shell example passes what it knows, says so of what it does not, and fails the rest."""
    program("jq")
    target = ExecTarget(f"sh {EXAMPLES / 'shell' / 'driver.sh'}")
    found = outcomes(
        target,
        mock,
        ["track/unicode", "track/order", "alias/direction", "alias/to-itself", "page/consolidated"],
    )
    target.close()
    assert {name: each.verdict for name, each in found.items()} == {
        "track/unicode": Verdict.PASS,
        "track/order": Verdict.PASS,
        "alias/direction": Verdict.PASS,
        "alias/to-itself": Verdict.FAIL,
        "page/consolidated": Verdict.SKIP,
    }
    assert found["page/consolidated"].reason == "this translator knows track and alias calls only"
