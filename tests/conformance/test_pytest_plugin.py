"""Scenarios of a project's own as its tests: the example project, as its owner would run it."""

import os
import runpy
import shlex
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.forked_process import run_module
from tests.project.paths import ROOT
from tests.pytest_process import PYTEST

EXAMPLE = ROOT / "docs" / "examples" / "project"
OURS = ROOT / "tests" / "conformance" / "drivers" / "ours.py"
ORDER = "scenarios/checkout/order-completed.yaml"

EXPECTED = "scenarios/expected-failures.yaml"


class Ran(NamedTuple):
    """How a command ended, and all that it printed."""

    code: int
    text: str

    @property
    def last(self) -> str:
        """The counts, without how long it took."""
        return self.text.splitlines()[-1].strip("= ").partition(" in ")[0]


class Project:
    """A copy of the example."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))

    def change(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def pytest(self, *arguments: str) -> Ran:
        # Without the details of failed assertions nothing is compiled anew.
        options = ("--assert=plain", "-p", "no:cacheprovider")
        return self.run(*PYTEST[2:], *options, *arguments)

    def run(self, module: str, *arguments: str) -> Ran:
        folder = Path(sys.executable).parent
        # Nothing of the test run that this test is part of.
        environment = {key: each for key, each in os.environ.items() if "PYTEST" not in key}
        environment["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
        done = run_module(module, *arguments, cwd=self.folder, env=environment)
        return Ran(done.returncode, done.stdout + done.stderr)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "shop")


def test_example_project(project: Project) -> None:
    """In its session of nox, its scenarios run beside its tests, and the one that is expected to
    fail does."""
    ran = project.run("nox", "--no-venv", "--no-install", "--", "-q", "-rx", "--assert=plain")
    assert "3 passed, 1 xfailed" in ran.text, ran.text
    assert "the shop still sends German event names; ticket SHOP-12" in ran.text
    assert ran.code == 0


def test_example_project_installs_what_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MOCKPANEL names a checkout or a wheel; a path that does not exist is an error."""
    mockpanel = runpy.run_path(str(EXAMPLE / "noxfile.py"))["mockpanel"]
    assert mockpanel() == "mockpanel"
    wheel = tmp_path / "mockpanel-1.whl"
    wheel.touch()
    monkeypatch.chdir(tmp_path)
    for given, expected in [("mockpanel-1.whl", wheel), (str(tmp_path), tmp_path)]:
        monkeypatch.setenv("MOCKPANEL", given)
        assert mockpanel() == str(expected)
    monkeypatch.setenv("MOCKPANEL", "none/mockpanel-1.whl")
    with pytest.raises(FileNotFoundError, match="no such folder or wheel"):
        mockpanel()


def test_a_value_of_an_odd_type_fails_its_scenario(project: Project) -> None:
    """The plugin reports an event name that is an object as a failure of the scenario."""
    drivers = Path(__file__).parent / "drivers"
    target = shlex.join([sys.executable, str(drivers / "ours.py"), "translate", "odd-names"])
    ran = project.pytest(f"--mockpanel-target=exec:{target}")
    assert ran.code == 1
    assert "INTERNALERROR" not in ran.text
    assert "FAIL  checkout/order-completed" in ran.text


def test_example_project_in_parallel(project: Project) -> None:
    """Every worker of pytest-xdist has a mock of its own."""
    ran = project.pytest("-n", "2", "-q")
    assert (ran.code, ran.last) == (0, "3 passed, 1 xfailed"), ran.text


def test_a_failure_says_what_differs(project: Project) -> None:
    """The paths, expected and actual, in place of a traceback of ours."""
    project.change(
        ORDER, "currency: EUR\n          distinct_id", "currency: USD\n          distinct_id"
    )
    ran = project.pytest()
    assert (ran.code, ran.last) == (1, "1 failed, 2 passed, 1 xfailed"), ran.text
    assert (
        "FAIL  checkout/order-completed  must  A completed order is an event, a charge, and one "
        "more order on the profile\n"
        "  source: the shop's tracking plan, section 3\n"
        "  requests[2].record.properties.currency\n"
        '      expected  "USD"\n'
        '      actual    "EUR"\n'
    ) in ran.text
    assert "Traceback" not in ran.text


def test_a_stale_expected_failure_is_red(project: Project) -> None:
    """What conforms must come off the list."""
    project.change(EXPECTED, "order-is-named-in-english", "order-completed")
    ran = project.pytest("-k", "order-completed")
    assert (ran.code, ran.last) == (1, "1 failed, 3 deselected"), ran.text
    assert "STALE  checkout/order-completed" in ran.text


def test_a_mistake_in_a_scenario_is_named(project: Project) -> None:
    """A typo stops the run and says where it is; it is not a scenario less."""
    project.change(ORDER, "level: must", "level: must\nsetings: {}")
    ran = project.pytest()
    assert ran.code == 2
    text = "checkout/order-completed.yaml: the scenario: unknown key 'setings'; did you mean"
    assert text in ran.text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--mockpanel-scenarios", "none"], "there is no folder"),
        (["--mockpanel-target", "buildin"], "unknown target 'buildin'"),
        (["--mockpanel-expected-failures", "none.yaml"], "none.yaml: cannot be read"),
    ],
)
def test_wrong_options(arguments: list[str], text: str, project: Project) -> None:
    """A missing file is reported, and no test passes."""
    ran = project.pytest("-k", "checkout", *arguments)
    assert ran.code != 0
    assert text in ran.text


def test_scenarios_are_chosen_by_id_and_tag(project: Project) -> None:
    """`-k` finds folder, name, level and rules."""
    collected = partial(project.pytest, "--collect-only", "-q")
    assert collected("-k", "must").last == "2/4 tests collected (2 deselected)"
    assert collected("-k", "visitor").last == "1/4 tests collected (3 deselected)"
    assert collected(ORDER).last == "1 test collected"
    assert collected("tests").last == "4 tests collected"


def test_another_target(project: Project) -> None:
    """The same scenarios, against a translator behind a driver; what it cannot do is skipped."""
    driver = shlex.join([sys.executable, str(OURS), "translate", "no-groups"])
    project.change(ORDER, "eventIncrements:", "groupIdentifierTraits: [x], eventIncrements:")
    ran = project.pytest("-rs", "--mockpanel-target", f"exec:{driver}")
    assert (ran.code, ran.last) == (0, "1 passed, 2 skipped, 1 xfailed"), ran.text
    assert "it knows no groups" in ran.text
    assert "the scenario is about delivery, and this target only translates" in ran.text


def test_a_broken_driver_fails_them(project: Project) -> None:
    """Nothing passes, and the reason is the driver's."""
    ran = project.pytest("-k", "visitor", "--mockpanel-target", "exec:sh -c 'read line; echo oops'")
    assert (ran.code, ran.last) == (1, "1 failed, 3 deselected")
    assert "answered 'start' with invalid JSON" in ran.text


def test_own_scenarios_without_pytest(project: Project) -> None:
    """The runner takes the same folder."""
    options = ("--scenarios", "scenarios", "--expected-failures", EXPECTED)
    ran = project.run("conformance", "run", *options)
    counted = "2 passed, 0 failed, 1 expected failures"
    assert (ran.code, ran.text.splitlines()[-1].startswith(counted)) == (0, True), ran.text
    listed = project.run("conformance", "list", "--scenarios", "scenarios")
    assert listed.last == "3 scenarios"
