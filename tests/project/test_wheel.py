"""The built wheel works by itself, in an empty environment."""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.project.paths import PACKAGES, ROOT, tracked_files
from tests.thorough import THOROUGH


def run(*command: str | Path, cwd: Path) -> str:
    """The output of a command. If the command fails, the output is the message of the failure."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONWARNINGS")
    }
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", "wheel", ROOT, *options, cwd=folder)
    [built] = folder.glob("mockpanel-*.whl")
    return built


def test_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    """Scenarios, schemas, captures, facts and py.typed are in the wheel, and no tests."""
    tracked = {path.relative_to(ROOT).as_posix() for path in tracked_files()}
    expected = {name for name in tracked if name.split("/")[0] in PACKAGES}
    packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert expected - packed == set()
    assert set(PACKAGES) == {name.split("/")[0] for name in packed}
    for needed in (
        r"translator/py\.typed",
        r"mock_mixpanel/py\.typed",
        r"conformance/py\.typed",
        r"conformance/spec/scenario\.schema\.json",
        r"conformance/scenarios/.+\.yaml",
        r"conformance/captures/.+\.jsonl",
        r"mock_mixpanel/inspector/docs/facts/.+\.md",
    ):
        assert any(re.fullmatch(needed, name) for name in packed), needed


def test_main_job_runs_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    """Installed in a new environment, the conformance suite runs and passes, wherever one is.

    A usual run of the tests takes the scenarios and captures of one folder; the session
    `conformance` of nox takes all, as installed.
    """
    environment = tmp_path / "venv"
    python = environment / "bin" / "python"
    uv = shutil.which("uv")
    venv.create(environment, with_pip=uv is None)
    by_uv: tuple[str | Path, ...] = (uv, "pip", "install", "--python", python) if uv else ()
    install = by_uv or (python, "-m", "pip", "install")
    run(*install, "--quiet", wheel, cwd=tmp_path)
    chosen = () if THOROUGH else ("--tag", "alias")
    listed = run(python, "-m", "conformance", "list", *chosen, cwd=tmp_path).splitlines()[-1]
    count = re.fullmatch(r"([1-9]\d*) scenarios", listed)
    assert count, listed
    report = run(python, "-m", "conformance", "run", *chosen, cwd=tmp_path)
    assert re.search(r"^\d+ passed, 0 failed[,;] ", report.splitlines()[-1]), report
    behaviours = f"{int(count[1]):,}"
    assert f"{behaviours} of {behaviours} behaviours hold; " in report
