"""Real input, end to end: every captured message is accounted for, and the mock agrees."""

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.runner.captures.cloud import load_captures
from mock_mixpanel.client import MockMixpanel
from tests.command import run_here
from translator.cli import main
from translator.sender import DeliveryStatus

NOON = "2026-06-15T12:00:00Z"


def send(folder: Path, mock: MockMixpanel, rules: str, messages: list[Any]) -> Any:
    """The exit code, summary and losses of one run of `send`, after the clock stopped at noon."""
    mock.freeze(NOON)
    mock.project(secret="s3cret")
    settings = {"token": mock.token, "apiSecret": "s3cret", "people": True, "projectId": "7"}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "messages.jsonl").write_text("".join(json.dumps(m) + "\n" for m in messages))
    options = ["--now", NOON, "--rules", rules, "--base-url", mock.url, "messages.jsonl"]
    result = run_here(main, "send", "--settings", "settings.json", *options, cwd=folder)
    losses = [json.loads(line) for line in result.stderr.splitlines()]
    return result.returncode, json.loads(result.stdout), losses


def refused(mock: MockMixpanel, *, openly: bool) -> list[Any]:
    """The records that came to nothing in the mock, which said so or kept it to itself."""
    return [
        request["payload"][verdict["index"]]
        for request in mock.requests()
        for verdict in request["verdicts"]
        if verdict["reasons"]
        if openly == (json.loads(request["response"]["body"])["status"] not in (1, "OK"))
    ]


@pytest.mark.parametrize(
    ("rules", "dropped"), [("documented", []), ("observed", ["$create_alias"] * 3)]
)
def test_every_capture_is_accounted_for(
    tmp_path: Path, mock_mixpanel: MockMixpanel, rules: str, dropped: list[str]
) -> None:
    """Each message is in one bucket, each loss has a line, and the mock refused nothing else.

    The observed rules also send three senseless aliases, which Mixpanel accepts without effect.
    """
    messages = [capture.message for capture in load_captures()]
    code, summary, losses = send(tmp_path, mock_mixpanel, rules, messages)

    assert (1, len(messages)) == (code, summary["read"])
    assert summary["read"] == sum(summary[status] for status in DeliveryStatus)
    assert (summary["dead_lettered"], summary["delivered"] > 100) == (0, True)
    assert summary["rejected"] == len({loss["line"] for loss in losses})
    numbered = dict(enumerate(messages, start=1))
    assert all(numbered[loss["line"]]["messageId"] == loss["messageId"] for loss in losses)

    refused_by_mixpanel = [loss["endpoint"] for loss in losses if "endpoint" in loss]
    assert len(refused_by_mixpanel) == len(refused(mock_mixpanel, openly=True))
    assert dropped == [record["event"] for record in refused(mock_mixpanel, openly=False)]
    assert all((mock_mixpanel.events(), mock_mixpanel.profiles(), mock_mixpanel.identities()))
