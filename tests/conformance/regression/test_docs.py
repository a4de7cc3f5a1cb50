"""The examples of the how-to page work unchanged."""

import datetime
import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.corpus.entries import read_entry
from conformance.regression.differences.changes import ChangeClass
from conformance.regression.report.approvals import read_approvals
from tests.project.paths import ROOT
from tests.project.reader import blocks, environment

PAGE = (ROOT / "docs" / "how-to" / "regression.md").read_text()
BLOCKS = {block.language: block.text for block in blocks(PAGE)}


def test_the_entry() -> None:
    """The line of a corpus is one, with settings, a time and an id."""
    entry = read_entry(BLOCKS["json"].encode(), "page")
    assert (entry.id, entry.settings) == ("seen", {"token": "T"})
    assert datetime.datetime(2026, 6, 15, 12, tzinfo=datetime.UTC) == entry.now


def test_the_approval(tmp_path: Path) -> None:
    """The approval can be read."""
    (tmp_path / "approvals.toml").write_text(BLOCKS["toml"])
    [approval] = read_approvals(tmp_path / "approvals.toml")
    assert approval.cause == "rule insert_id"


@pytest.mark.parametrize("kind", list(ChangeClass))
def test_every_class_is_explained(kind: ChangeClass) -> None:
    """The table has each class."""
    assert f"`{kind}`" in PAGE


def test_the_workflow_works_in_another_repository(tmp_path: Path) -> None:
    """The command of the GitHub Actions example, typed in a pull request's checkout.

    The repository has a mapping file, settings and compressed traffic, and none of our code.
    """
    origin, checkout = tmp_path / "origin", tmp_path / "checkout"
    origin.mkdir()
    (origin / "traffic").mkdir()
    call = {"type": "track", "userId": "u", "messageId": "m", "event": "Seen"}
    page = {"context": {"page": {"url": "https://shop.example/"}}}
    data = json.dumps({**call, **page, "receivedAt": "2026-06-15T12:00:00Z"}).encode()
    (origin / "traffic" / "one.jsonl.gz").write_bytes(gzip.compress(data))
    (origin / "settings.json").write_text('{"token": "0123456789abcdef"}')
    (origin / "approvals.toml").write_text("")
    (origin / "mapping.yaml").write_text("events:\n  page_url: context.page.url\n")
    git(origin, "init", "-q", "-b", "main")
    git(origin, "add", ".")
    git(origin, "commit", "-q", "-m", "begin")
    git(tmp_path, "clone", "-q", "origin", "checkout")
    git(checkout, "checkout", "-q", "-b", "change")
    same = workflow_command(checkout)
    assert (same.returncode, same.stderr) == (0, "")
    assert "1 message, 0 changed (0.0%)\n" in same.stdout
    (checkout / "mapping.yaml").write_text("events:\n  page_address: context.page.url\n")
    git(checkout, "commit", "-q", "-am", "rename")
    changed = workflow_command(checkout)
    assert (changed.returncode, changed.stderr) == (1, "")
    assert (
        "renamed: payload.properties.page_url -> payload.properties.page_address  1 message"
    ) in changed.stdout
    assert (checkout / "report" / "diff.html").exists()


def workflow_command(folder: Path) -> subprocess.CompletedProcess[str]:
    """What the page's workflow runs after the installation, in this folder."""
    workflow: Any = yaml.safe_load(BLOCKS["yaml"])
    runs = [step.get("run", "") for step in workflow["jobs"]["diff"]["steps"]]
    [command] = [run for run in runs if "mockpanel diff" in run]
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.replace("${{ github.base_ref }}", "main")],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)
