"""The examples for CI do what they say: their steps run as shell, in a repository of their own."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.project.paths import ROOT

EXAMPLES = ROOT / "docs" / "examples"
SCENARIOS = EXAMPLES / "project" / "scenarios"
EXPECTED = SCENARIOS / "expected-failures.yaml"
MESSAGE = '{"type": "track", "messageId": "m", "event": "A", "userId": "u"}\n'


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A user's repository in which a mapping changed since the branch main."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "corpus.jsonl").write_text(MESSAGE)
    (folder / "settings.json").write_text('{"token": "my-token-of-the-test"}')
    (folder / "mapping.yaml").write_text("events: {}\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "old")
    return folder


@pytest.fixture
def installed(repository: Path) -> Path:
    """The folder with the command `mockpanel`, as the first step of the examples installs it."""
    folder = repository / ".mockpanel" / "bin"
    folder.mkdir(parents=True)
    found = shutil.which("mockpanel")
    assert found, "the tests run in an environment with mockpanel installed"
    (folder / "mockpanel").symlink_to(found)
    return folder


def run(script: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def action_steps(inputs: dict[str, str]) -> list[tuple[str, str, dict[str, str]]]:
    """Name, script and environment of each step of the action, with its inputs filled in."""
    action = yaml.safe_load((EXAMPLES / "action" / "action.yml").read_text(encoding="utf-8"))
    defaults = {name: str(each.get("default", "")) for name, each in action["inputs"].items()}
    values = {**defaults, **inputs}

    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: values[found[1]], text)

    return [
        (step["name"], step["run"], {k: filled(v) for k, v in step.get("env", {}).items()})
        for step in action["runs"]["steps"]
    ]


INPUTS = {
    "corpus": "corpus.jsonl",
    "settings": "settings.json",
    "old": "git:main:mapping.yaml",
    "new": "mapping:mapping.yaml",
}


def test_action_reports_what_it_found(repository: Path, installed: Path) -> None:
    """The steps run the scenarios, compare the mapping, and write one comment."""
    summary = repository / "summary.md"
    name, *_ = steps = action_steps(INPUTS)
    assert name[0] == "Install"
    for _, script, environment in steps[1:]:
        script = script.replace("mockpanel run", "mockpanel run -k alias/direction")
        done = run(script, repository, {**environment, "GITHUB_STEP_SUMMARY": str(summary)})
        assert (done.returncode, done.stderr[-500:] if done.returncode else "") == (0, "")
    comment = (repository / "mockpanel-report" / "comment.md").read_text(encoding="utf-8")
    assert comment.count("### ") == 2
    assert summary.read_text(encoding="utf-8") == comment


def test_action_fails_when_a_change_is_not_approved(repository: Path, installed: Path) -> None:
    """An unapproved change fails the last step, after the comment is written."""
    inputs = {**INPUTS, "old": "rules:documented", "new": "rules:observed"}
    codes = {}
    for name, script, environment in action_steps(inputs)[1:]:
        script = script.replace("mockpanel run", "mockpanel run -k alias/direction")
        codes[name] = run(script, repository, environment).returncode
    assert codes == {"Run the scenarios": 0, "Compare the mapping": 0, "Write the comment": 1}
    assert (repository / "mockpanel-report" / "comment.md").exists()


def test_gitlab_job(repository: Path, installed: Path) -> None:
    """The script of the GitLab job runs, but for its installation."""
    file = EXAMPLES / "gitlab" / ".gitlab-ci.yml"
    install, *script = yaml.safe_load(file.read_text(encoding="utf-8"))["mockpanel"]["script"]
    assert install == "pip install --quiet ./mockpanel"
    git(repository, "update-ref", "refs/remotes/origin/main", "main")
    environment = {
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "PATH": f"{installed}:{os.environ['PATH']}",
    }
    text = "\n".join(script).replace("mockpanel run", "mockpanel run -k alias/direction")
    done = run(text, repository, environment)
    assert (done.returncode, done.stderr[-500:] if done.returncode else "") == (0, "")
    names = {each.name for each in (repository / "report").iterdir()}
    assert names == {"run", "run.md", "diff", "diff.md"}


def test_pre_commit_hooks(repository: Path, installed: Path) -> None:
    """Each hook's command runs with the arguments that a user gives."""
    hooks: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    arguments = {
        "mockpanel-mapping": "--corpus corpus.jsonl --settings settings.json"
        " --old git:main:mapping.yaml --new mapping:mapping.yaml",
        "mockpanel-scenarios": f"{SCENARIOS} --expected-failures {EXPECTED}",
    }
    environment = {"PATH": f"{installed}:{os.environ['PATH']}"}
    for hook in hooks:
        done = run(f"{hook['entry']} {arguments[hook['id']]}", repository, environment)
        assert (hook["id"], done.returncode, done.stderr[-500:] if done.returncode else "") == (
            hook["id"],
            0,
            "",
        )
