"""A project's own scenarios as tests: `pytest --mockpanel-scenarios DIR`.

Imports nothing heavy: pytest loads this in every run, also where there are no scenarios.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conformance.runner.mock import Mock
    from conformance.runner.outcomes import Outcome
    from conformance.runner.replay.replay import Judging
    from conformance.spec.expected_failures import ExpectedFailure
    from conformance.spec.scenarios.loading import Scenario
    from conformance.targets.target import Target

FOLDERS = pytest.StashKey[list[Path]]()
ENGINE = pytest.StashKey["Engine"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options for the command line or `addopts`."""
    group = parser.getgroup("mockpanel")
    group.addoption(
        "--mockpanel-scenarios",
        action="append",
        default=[],
        metavar="DIR",
        help="Run the scenarios in DIR/FOLDER/NAME.yaml as tests.",
    )
    group.addoption(
        "--mockpanel-target",
        default="builtin",
        metavar="TARGET",
        help="Against what: builtin (the default), exec:CMD or http:URL.",
    )
    group.addoption(
        "--mockpanel-profile",
        choices=["exact", "outcome"],
        default="exact",
        help="Compare every request (exact, the default) or what Mixpanel then holds (outcome).",
    )
    group.addoption(
        "--mockpanel-expected-failures",
        metavar="FILE",
        help="YAML: the ids of scenarios that fail, each with why.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let pytest also collect the folders of scenarios."""
    folders = [config.invocation_params.dir / name for name in config.option.mockpanel_scenarios]
    for folder in folders:
        if not folder.is_dir():
            raise pytest.UsageError(f"--mockpanel-scenarios: there is no folder {folder}")
    config.stash[FOLDERS] = folders = [folder.resolve() for folder in folders]
    if folders:
        config.stash[ENGINE] = Engine(config)
    here = config.invocation_params.dir
    places = [(here / name.partition("::")[0]).resolve() for name in config.args]
    for folder in folders:
        # Only if pytest does not collect the folder already, and no scenario in it was named.
        if not any(folder.is_relative_to(each) or each.is_relative_to(folder) for each in places):
            config.args.append(str(folder))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the mock and the target."""
    engine = config.stash.get(ENGINE, None)
    if engine is not None:
        engine.close()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    """A scenario file is a collector of one test."""
    for folder in parent.config.stash.get(FOLDERS, []):
        if file_path.suffix in (".yaml", ".yml") and folder in file_path.parent.parents:
            return ScenarioFile.from_parent(parent, path=file_path, folder=folder)
    return None


class Engine:
    """The mock and the target of a test session, started when the first scenario needs them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._running = ExitStack()
        self._parts: tuple[Target, Mock, dict[str, ExpectedFailure], Judging] | None = None

    def run(self, scenario: Scenario) -> Outcome:
        """The outcome of a scenario."""
        from conformance.runner.run import run_scenario

        self._parts = self._parts or self._start()
        return run_scenario(scenario, *self._parts)

    def _start(self) -> tuple[Target, Mock, dict[str, ExpectedFailure], Judging]:
        from conformance.runner.mock import running_mock
        from conformance.runner.run import RunOptions
        from conformance.runner.smoke_check import check
        from conformance.spec.expected_failures import read_expected_failures
        from conformance.spec.scenarios.own_scenarios import load_own
        from conformance.targets.by_name import target_named

        option = self._config.option
        expected: dict[str, ExpectedFailure] = {}
        if option.mockpanel_expected_failures:
            file = self._config.invocation_params.dir / option.mockpanel_expected_failures
            folders = self._config.stash[FOLDERS]
            known = {scenario.id for folder in folders for scenario in load_own(folder)}
            expected = read_expected_failures(file, known)
        target = self._running.enter_context(target_named(option.mockpanel_target))
        mock = self._running.enter_context(running_mock())
        options = RunOptions(option.mockpanel_target, profile=option.mockpanel_profile)
        if not options.own:
            check(target, mock)
        return target, mock, expected, options.judging

    def close(self) -> None:
        """Stop both."""
        self._running.close()


class ScenarioFile(pytest.File):
    """A YAML file with one scenario, or with several variants of one."""

    def __init__(self, *, folder: Path, **options: Any) -> None:
        super().__init__(**options)
        self.folder = folder

    def collect(self) -> Iterator[ScenarioItem]:
        """Each scenario as a test; a mistake in the file is an error of the collection."""
        from conformance.errors import DataError
        from conformance.spec.scenarios.own_scenarios import read_own

        try:
            scenarios = read_own(self.path, self.folder)
        except DataError as error:
            raise self.CollectError(str(error)) from error
        for scenario in scenarios:
            yield ScenarioItem.from_parent(self, name=scenario.id, scenario=scenario)


class ScenarioItem(pytest.Item):
    """A scenario as a test; `-k` also finds its tags."""

    def __init__(self, *, scenario: Scenario, **options: Any) -> None:
        super().__init__(**options)
        self.scenario = scenario
        self.extra_keyword_matches.update(scenario.tags)

    def runtest(self) -> None:
        """Replay the scenario."""
        from conformance.errors import DataError, EngineError, UsageError
        from conformance.runner.outcomes import Verdict

        try:
            outcome = self.config.stash[ENGINE].run(self.scenario)
        except (DataError, EngineError, UsageError) as error:
            raise ScenarioFailed(f"{self.scenario.id}: {error}") from error
        if outcome.verdict is Verdict.SKIP:
            pytest.skip(outcome.reason)
        if outcome.verdict is Verdict.EXPECTED_FAILURE:
            pytest.xfail(outcome.reason)
        if outcome.verdict.red:
            raise ScenarioFailed(outcome.text())

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """All differences, or the reason of an expected failure, in place of a traceback."""
        if isinstance(excinfo.value, ScenarioFailed | pytest.xfail.Exception):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The file and the name that pytest shows."""
        return self.path, 0, self.name


class ScenarioFailed(Exception):
    """A scenario failed; the text has its differences."""
