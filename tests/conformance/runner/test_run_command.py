"""`run` against programs: what it prints, writes and ends with."""

import shlex
import socket
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.reports.results import read_results
from conformance.runner.outcomes import Outcome, Verdict
from conformance.runner.run import Case, CaseRunner

FOLDER = Path(__file__).parents[1] / "drivers"
ALIASES = ("alias/direction", "alias/to-itself")


def driver(name: str, *words: str) -> str:
    return "exec:" + shlex.join([sys.executable, str(FOLDER / name), *words])


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["run", *arguments])


def excused(folder: Path, text: str) -> str:
    file = folder / "expected.yaml"
    file.write_text(text)
    return str(file)


def test_conformant() -> None:
    """The smoke check is said first; all pass: 0."""
    result = run(*ALIASES, "--target", driver("ours.py", "translate"))
    assert result.stdout == (
        "smoke check: it works: the simplest event made 1 record\n"
        "2 of 2 behaviours hold.\n"
        "2 passed, 0 failed; must: 1 passed, 0 failed; should: 1 passed, 0 failed; 0 unsourced\n"
    )
    assert result.exit_code == 0


def test_a_failure() -> None:
    """Something fails: 1, with every difference."""
    target = driver("ours.py", "translate", "swaps-alias")
    result = run(*ALIASES, "--target", target, "--profile", "exact")
    assert result.exit_code == 1
    assert (
        '  requests[0].record.properties.alias\n      expected  "u-1"\n      actual    "anon-1"\n'
    ) in result.stdout


def test_an_expected_failure(tmp_path: Path) -> None:
    """Listed failures are counted as expected, and the status is 0."""
    listed = excused(tmp_path, "alias/direction: swaps the ids")
    target = driver("ours.py", "translate", "swaps-alias")
    result = run(*ALIASES, "--target", target, "--expected-failures", listed)
    assert "1 passed, 0 failed, 1 expected failures; must: " in result.stdout
    assert result.exit_code == 0


def test_a_stale_expected_failure(tmp_path: Path) -> None:
    """A listed scenario that conforms makes the status 1."""
    listed = excused(tmp_path, "alias/direction: swaps the ids")
    result = run(*ALIASES, "--expected-failures", listed, "--no-captures")
    assert "STALE  alias/direction" in result.stdout
    assert "1 passed, 0 failed, 1 stale; must: " in result.stdout
    assert result.exit_code == 1


def test_an_unselected_expected_failure_is_not_stale(tmp_path: Path) -> None:
    """Scenarios that were not replayed do not make the list stale."""
    listed = excused(tmp_path, "alias/to-itself: sends it")
    assert run("alias/direction", "--expected-failures", listed).exit_code == 0


def test_skips_are_counted_with_their_reason() -> None:
    """Why something was not replayed is said at the end, however often it was the reason."""
    result = run("alias/*", "--rules", "observed", "--target", driver("ours.py", "translate", "x"))
    assert result.exit_code == 0
    target = driver("ours.py", "translate", "documented-only")
    result = run("alias/to-itself*", "--target", target)
    assert "skipped 1: the translator does not follow the observed rules\n" in result.stdout
    assert "1 passed, 0 failed, 1 skipped; should: " in result.stdout


def test_a_broken_driver_ends_the_run() -> None:
    """The smoke check fails: 3, and no scenario is blamed on the translator."""
    result = run(*ALIASES, "--target", driver("odd.py", "not-json"))
    assert result.exit_code == 3
    assert "answered 'start' with invalid JSON" in result.stderr
    assert result.stdout == "0 passed, 0 failed; the smoke check failed, so no case was run\n"


def test_a_driver_that_breaks_on_a_scenario(tmp_path: Path) -> None:
    """The scenario is an error, the others go on: 3, and the report is written."""
    target = driver("ours.py", "translate", "dies-on-itself")
    result = run(*ALIASES, "--target", target, "--report", str(tmp_path))
    assert result.exit_code == 3
    assert "1 passed, 0 failed, 1 errors; must: " in result.stdout
    found = {each.id: each for each in read_results(tmp_path).outcomes}
    assert Verdict.PASS is found["alias/direction"].verdict
    assert "ended with exit status 70" in found["alias/to-itself"].reason


def test_report_files(tmp_path: Path) -> None:
    """All four forms are there, and say what the target calls itself."""
    target = driver("ours.py", "translate")
    run("alias/direction", "--target", target, "--report", str(tmp_path / "a" / "b"))
    files = {file.name: file.read_text() for file in (tmp_path / "a" / "b").iterdir()}
    assert files.keys() == {"badge.svg", "junit.xml", "report.html", "results.jsonl"}
    report = read_results(tmp_path / "a" / "b")
    assert (
        report.target,
        report.translator,
        report.selection,
    ) == (target, "ours", "alias/direction")
    assert "<title>Conformant: ours</title>" in files["report.html"]
    assert "1 of 1 pass" in files["badge.svg"]


def test_verbose() -> None:
    """`-v` shows what passes, too."""
    result = run("alias/direction", "--no-captures", "-v")
    title = "An alias goes from the previous id to the user id"
    assert f"PASS  alias/direction  must  {title}\n" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--settings", "none.json", "--target", "http://127.0.0.1:1"], "none.json"),
        (["--expected-failures", "none.yaml"], "none.yaml"),
        (["--timeout", "0"], "--timeout"),
        (["--mock-port", "70000"], "--mock-port"),
    ],
)
def test_wrong_options(arguments: list[str], text: str) -> None:
    """An option that makes no sense is named: 2."""
    result = run("alias/direction", *arguments)
    assert result.exit_code == 2
    assert text in result.stderr


def test_settings_are_for_servers(tmp_path: Path) -> None:
    """--settings with a target that takes settings itself ends with 2."""
    file = tmp_path / "settings.json"
    file.write_text('{"token": "T"}')
    result = run("alias/direction", "--settings", str(file))
    assert (result.exit_code, "only a server has settings" in result.stderr) == (2, True)
    file.write_text("[]")
    result = run("alias/direction", "--settings", str(file), "--target", "http://127.0.0.1:1")
    assert (result.exit_code, "settings must be an object" in result.stderr) == (2, True)


def test_a_port_that_is_taken() -> None:
    """The mock cannot be where it was wanted: 2, and the port is named."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("alias/direction", "--mock-port", str(port))
    assert result.exit_code == 2
    assert f"the mock cannot listen on {port}" in result.stderr


def test_values_of_any_type_fail_their_scenario() -> None:
    """An event name that is an object is a failure, and the next scenario is judged."""
    result = run(*ALIASES, "track/minimal", "--target", driver("ours.py", "translate", "odd-names"))
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1].startswith("1 passed, 2 failed; ")


def test_processes_change_nothing() -> None:
    """The outcomes come in the same order from one process and from two."""
    one = run("alias/*", "track/*", "--no-captures", "-v", "--jobs", "1")
    two = run("alias/*", "track/*", "--no-captures", "-v", "--jobs", "2")
    assert (two.stdout, two.exit_code) == (one.stdout, one.exit_code)


def test_a_server_has_one_job() -> None:
    """Two processes cannot share a server: 2."""
    result = run("alias/direction", "--target", "http:http://127.0.0.1:1", "--jobs", "2")
    assert (result.exit_code, "--jobs: a server is one target" in result.stderr) == (2, True)


def test_maxfail(tmp_path: Path) -> None:
    """The run ends with the first failure, and the report says so: 1."""
    target = driver("ours.py", "translate", "swaps-alias")
    result = run("alias/*", "--target", target, "--maxfail", "1", "--report", str(tmp_path))
    report = read_results(tmp_path)
    assert (result.exit_code, report.conformant) == (1, False)
    assert [each.verdict.red for each in report.outcomes].count(True) == 1
    assert f"stopped by --maxfail 1 after {len(report.outcomes)} of " in result.stdout


def test_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C everything judged so far is reported: 130."""
    calls = iter([None, KeyboardInterrupt])
    judge = CaseRunner.outcome

    def interrupted(engine: CaseRunner, case: Case) -> Outcome:
        error = next(calls)
        if error:
            raise error
        return judge(engine, case)

    monkeypatch.setattr(CaseRunner, "outcome", interrupted)
    result = run(*ALIASES, "--no-captures", "--report", str(tmp_path))
    assert result.exit_code == 130
    assert [each.id for each in read_results(tmp_path).outcomes] == ["alias/direction"]
    assert "stopped by Ctrl-C after 1 of 2 cases" in result.stdout


def test_tolerances_of_a_first_run_accept_it(tmp_path: Path) -> None:
    """What `--write-tolerances` writes makes the next run conformant; an unused one is stale."""
    file = tmp_path / "tolerances.toml"
    target = driver("ours.py", "translate", "swaps-alias")
    first = run("alias/direction", "--target", target, "--write-tolerances", str(file))
    assert first.exit_code == 1
    again = run("alias/direction", "--target", target, "--tolerances", str(file))
    assert again.exit_code == 0
    assert again.stdout.splitlines()[-1].startswith("0 passed, 0 failed, 1 expected failures; ")


def test_options_of_the_project(tmp_path: Path) -> None:
    """`--project` sets an option of the mock's project; a word without a value is refused: 2."""
    result = run("track/minimal", "--no-captures", "--project", "identity=simplified")
    assert result.exit_code == 0
    result = run("track/minimal", "--no-captures", "--project", "identity=none")
    assert (result.exit_code, "identity" in result.stderr + result.stdout) == (2, True)
    result = run("track/minimal", "--project", "simplified")
    assert (result.exit_code, "use NAME=VALUE" in result.stderr) == (2, True)


@pytest.mark.parametrize("option", ["--report", "--markdown", "--write-tolerances"])
def test_output_that_cannot_be_made(tmp_path: Path, option: str) -> None:
    """A path that cannot be written is wrong usage before any scenario is run: 2."""
    (tmp_path / "file").touch()
    result = run(*ALIASES, option, str(tmp_path / "file" / "inner"))
    assert (result.exit_code, result.stdout) == (2, "")
    place = tmp_path / "file" / "inner"
    assert result.stderr.startswith(f"Error: {option} {place} cannot be written: ")


def test_full_disk_at_the_end() -> None:
    """The results are shown although the disk is full when their files are written: 2."""
    result = run("alias/direction", "--markdown", "/dev/full")
    assert result.exit_code == 2
    assert "1 passed, 0 failed" in result.stdout.splitlines()[-1]
    assert result.stderr.endswith(
        "Error: --markdown /dev/full cannot be written: No space left on device\n"
    )


def test_errors_have_no_control_characters() -> None:
    """The name of a file that does not exist is shown with its control characters escaped."""
    result = CliRunner().invoke(main, ["corpus", "redact", "\x1b[31m\u202e\x9b"])
    assert result.exit_code == 2
    assert "\\u001b[31m\\u202e\\u009b" in result.stderr
