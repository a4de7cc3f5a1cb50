"""The container example: its commands exist, and its application reaches the mock."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import requests
import yaml

from conformance.mockpanel.cli import main
from tests.conformance.mockpanel.test_up import addresses, running

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "container"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(
    (FOLDER / "compose.yaml").read_text(encoding="utf-8")
)["services"]


@pytest.mark.parametrize("name", ["mock", "gateway"])
def test_commands_of_the_services(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The command of each service takes its options, and the environment gives the rest."""
    service = SERVICES[name]
    for variable, value in service["environment"].items():
        text = str(FOLDER / "settings.json") if value == "/settings.json" else value
        monkeypatch.setenv(variable, text)
    word, *words = shlex.split(service["command"])
    command = main.get_command(click.Context(main), word)
    assert command is not None
    context = command.make_context(word, words)
    given = {name for name in service["environment"] if name.startswith("MOCKPANEL_")}
    read = {
        variable
        for parameter in command.params
        if context.get_parameter_source(parameter.name or "")
        is click.core.ParameterSource.ENVIRONMENT
        for variable in parameter.envvar or ()
    }
    assert given - read == set()


def test_images_and_ports_agree() -> None:
    """Ports are published on this machine only, and services wait for healthy ones."""
    published = [port for each in SERVICES.values() for port in each.get("ports", ())]
    assert published == ["127.0.0.1:8080:8080", "127.0.0.1:8090:8090"]
    waits = {name: sorted(each.get("depends_on", {})) for name, each in SERVICES.items()}
    assert waits == {
        "postgresql": [],
        "mock": ["postgresql"],
        "gateway": ["mock"],
        "application": ["gateway"],
    }


def test_dockerfile_is_not_root_and_has_a_health_check() -> None:
    """The image runs as another user than root, and has a health check."""
    lines = (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert "USER mockpanel" in lines
    assert [line for line in lines if line.startswith("HEALTHCHECK")] != []
    assert [line.split()[1] for line in lines if line.startswith("FROM")] == ["${BASE}"] * 2


def test_application_reaches_the_mock() -> None:
    """The application's calls arrive as an event and a profile."""
    with running(str(FOLDER / "settings.json")) as (_, printed):
        found = addresses(printed)
        program = [sys.executable, str(FOLDER / "application.py"), found["gateway"]]
        done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout == "identify 200\ntrack 200\n"
        changes = f"{found['mock']}/_mock/changes?after=2&wait=20"
        requests.get(changes, timeout=60)
        events = requests.get(f"{found['mock']}/_mock/events", timeout=30).json()
        assert [each["event"] for each in events] == ["Order Completed"]
