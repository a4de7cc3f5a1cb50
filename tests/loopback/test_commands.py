"""No command connects to another machine: each one runs under a watch on connections.

Only `--live` allows it; with it, and with code that is broken on purpose, the watch sees the
attempt.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import requests

from conformance.cli import main as conformance
from mock_mixpanel import Config, Server
from mock_mixpanel.cli import main as mock_mixpanel
from mock_mixpanel.projects.config import Project
from tests.loopback.guard import EXIT
from tests.loopback.watched import ROOT, Watched
from tests.translator.sender.stub import Reply, Stub, running_stub
from translator.cli import main as translator

MESSAGES = [
    {
        "type": "track",
        "messageId": "m-1",
        "userId": "ann",
        "event": "https://api.mixpanel.com/track",
        "context": {
            "ip": "8.8.8.8",
            "page": {"url": "https://api-eu.mixpanel.com/import", "referrer": "//example.com"},
            "host": "outside.example.com",
        },
        "properties": {"host": "https://api.mixpanel.com", "$host": "api.mixpanel.com"},
    },
    {"type": "identify", "userId": "ann", "traits": {"avatar": "http://outside.example.com/a.png"}},
    {"type": "alias", "userId": "bob", "previousId": "https://outside.example.com"},
    {"type": "group", "userId": "ann", "groupId": "api.mixpanel.com", "traits": {"company": "a"}},
    {"type": "track", "userId": "ann", "event": "Old", "timestamp": "2020-01-01T00:00:00Z"},
]
DEAD = {"id": "r:1", "line": 1, "messageId": "m", "fate": "dead_lettered", "reason": "no"}
EVENT = {"event": "E", "properties": {"token": "T", "distinct_id": "ann", "$insert_id": "i-1"}}
HOSTS = {False: "https://api.mixpanel.com", True: "https://api-eu.mixpanel.com"}
DEFINITIONS = "computed_traits: [{name: Total, computation: event_counter, event: Old}]"
OUTSIDE = "http://outside.example.com"
SETTINGS = ["--settings", "settings.json"]
SEND = ["--alias", "none", *SETTINGS]


IN_ONE_PROCESS = """
import json, sys
from importlib import import_module
from click.testing import CliRunner

for package, *words in json.loads(sys.argv[1]):
    main = import_module(f"{package}.cli").main
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    print(json.dumps([done.exit_code, done.stdout, done.stderr]), flush=True)
"""


class Shell:
    """A folder with settings and messages, in which commands run under watch."""

    def __init__(self, folder: Path, stub: Stub, *, eu: bool = False) -> None:
        self.folder, self.stub = folder, stub
        self.watched = Watched(folder)
        settings = {"token": "T", "apiSecret": "hush-hush", "people": True}
        settings |= {"enableEuropeanUnionEndpoint": eu, "groupIdentifierTraits": ["company"]}
        (folder / "settings.json").write_text(json.dumps(settings))
        (folder / "definitions.yaml").write_text(DEFINITIONS)
        (folder / "in.jsonl").write_text("".join(json.dumps(each) + "\n" for each in MESSAGES))
        self.to_stub = ["--eu-base-url" if eu else "--base-url", stub.url]

    def run(
        self, package: str, *arguments: str, broken: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a watched fork, which executes the code `broken` first."""
        return self.watched.run_module(package, *arguments, broken=broken)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.watched.env,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def run_all(self, commands: list[list[str]]) -> list[subprocess.CompletedProcess[str]]:
        """Run commands, each a package and its arguments, one after the other in one process."""
        done = self.python("-c", IN_ONE_PROCESS, json.dumps(commands))
        found = list(map(json.loads, done.stdout.splitlines()))
        failed = commands[len(found) : len(found) + 1]
        assert (done.returncode, failed) == (0, []), done.stderr
        return [
            subprocess.CompletedProcess(words, *ended)
            for words, ended in zip(commands, found, strict=True)
        ]

    def send(self, *options: str, file: str = "in.jsonl") -> subprocess.CompletedProcess[str]:
        return self.run("translator", "send", *SEND, *options, file)

    def resend(self, letters: list[Any], *options: str) -> subprocess.CompletedProcess[str]:
        text = "".join(json.dumps({**DEAD, **letter}) + "\n" for letter in letters)
        (self.folder / "dead").write_text(text)
        return self.run("translator", "resend", "--settings", "settings.json", *options, "dead")

    def left(self) -> list[Any]:
        """The dead letters that are left."""
        return list(map(json.loads, (self.folder / "dead").read_text().splitlines()))

    def authorized(self) -> set[str | None]:
        """The credentials that the stub was sent."""
        return {request.headers.get("Authorization") for request in self.stub.received}


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running_stub() as server:
        yield server


@pytest.fixture(params=[False, True], ids=["us", "eu"])
def shell(request: pytest.FixtureRequest, tmp_path: Path, stub: Stub) -> Shell:
    return Shell(tmp_path, stub, eu=request.param)


def test_send(shell: Shell) -> None:
    """Everything goes to the base URL, whatever hosts messages and environment name."""
    done = shell.python("-m", "translator", "send", *SEND, *shell.to_stub, "in.jsonl")
    assert (done.returncode, json.loads(done.stdout)["delivered"]) == (1, 4), done.stderr
    assert shell.watched.outside() == []
    assert ("socket.connect", "127.0.0.1") in shell.watched.notes()
    assert shell.authorized() == {None}


ELSEWHERE = {
    "none": [],
    "named": ["--base-url", OUTSIDE, "--eu-base-url", OUTSIDE],
    "real": ["--base-url", HOSTS[False], "--eu-base-url", HOSTS[True]],
    "disguised": ["--base-url", "http://127.0.0.1@outside.example.com"],
    "address": ["--base-url", "http://192.0.2.1:8080", "--eu-base-url", "http://192.0.2.1:8080"],
}
DELIVERING = {"send": ["in.jsonl"], "resend": ["dead"], "gateway": ["--port", "0"]}


def test_an_address_elsewhere_is_refused(shell: Shell) -> None:
    """Without `--live`, an address of another machine is wrong usage for every command."""
    operation = {"endpoint": "/track", "host": "", "payload": EVENT}
    (shell.folder / "dead").write_text(json.dumps({**DEAD, "operation": operation}) + "\n")
    wrong = [
        ["translator", command, *SETTINGS, *options, *last]
        for command, last in DELIVERING.items()
        for options in ELSEWHERE.values()
    ]
    found = shell.run_all(wrong)
    assert [(each.returncode, each.stdout, each.stderr[:7]) for each in found] == [
        (2, "", "Error: ") for _ in wrong
    ]
    assert shell.watched.outside() == []
    assert shell.stub.received == []


def test_redirects_are_not_followed(shell: Shell) -> None:
    """No redirect is followed: the request goes to the base URL again, and is a loss at last."""
    statuses = (301, 302, 303, 307, 308)
    headers = {"Location": f"{OUTSIDE}/track", "Retry-After": "0"}
    shell.stub.script = [Reply(status, b"", headers) for status in statuses]
    message = {"type": "track", "userId": "ann", "event": "E", "messageId": "m"}
    (shell.folder / "one.jsonl").write_text(json.dumps(message) + "\n")
    done = shell.send(*shell.to_stub, file="one.jsonl")
    assert (done.returncode, json.loads(done.stdout)["delivered"]) == (1, 0)
    told = [f"HTTP {each}: redirects are not followed (to {OUTSIDE}/track)" for each in statuses]
    assert [each for each in told if each not in done.stderr] == []
    assert shell.watched.outside() == []
    assert len(shell.stub.received) == len(statuses)


def test_a_dead_letter_leads_nowhere(shell: Shell) -> None:
    """Host and endpoint of a dead letter do not send it elsewhere; it stays a dead letter."""
    host = HOSTS["--eu-base-url" in shell.to_stub]
    good = {"endpoint": "/track", "host": host, "payload": EVENT}
    bad = [
        {**good, "endpoint": "@outside.example.com/track"},
        {**good, "endpoint": ".outside.example.com/track"},
        {**good, "endpoint": "\\@outside.example.com/track"},
        {**good, "endpoint": "/../elsewhere"},
        {**good, "endpoint": {}},
        {**good, "host": OUTSIDE},
        {**good, "host": f"{host}@outside.example.com"},
        {**good, "host": HOSTS["--eu-base-url" not in shell.to_stub]},
        {**good, "host": None},
    ]
    letters = [{"id": f"r:{n}", "operation": each} for n, each in enumerate([*bad, good])]
    done = shell.resend(letters, *shell.to_stub)
    assert (done.returncode, json.loads(done.stdout)["delivered"]) == (1, 1), done.stderr
    assert shell.watched.outside() == []
    assert [request.endpoint for request in shell.stub.received] == ["/track"]
    assert bad == [each["operation"] for each in shell.left()]


def test_gateway(shell: Shell) -> None:
    """The gateway delivers to the base URL only, whatever the messages contain."""
    given = ("--settings", "settings.json", "--port", "0", "--alias", "none", *shell.to_stub)
    with subprocess.Popen(
        [sys.executable, "-m", "translator", "gateway", *given],
        cwd=shell.folder,
        env=shell.watched.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            with requests.Session() as session:
                session.trust_env = False
                headers = {"Host": "outside.example.com", "Origin": OUTSIDE}
                batch = {"batch": MESSAGES}
                sent = session.post(f"{url}/v1/batch", json=batch, headers=headers, timeout=30)
                assert sent.status_code == 200
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, json.loads(out)["delivered"]) == (1, 4), err
    assert shell.watched.outside() == []
    assert shell.authorized() == {None}


def serves(shell: Shell) -> None:
    """The mock, in one process and in several, answers calls that name other hosts."""
    for options in ([], ["--workers", "2", "--store", "sqlite:///log.db"]):
        with subprocess.Popen(
            [sys.executable, "-m", "mock_mixpanel", "serve", "--port", "0", *options],
            cwd=shell.folder,
            env=shell.watched.env,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                [url] = [w for w in process.stdout.readline().split() if w.startswith("http")][:1]
                with requests.Session() as session:
                    session.trust_env = False
                    headers = {"Host": "api.mixpanel.com", "Origin": OUTSIDE}
                    event = [{**EVENT, "$host": OUTSIDE}]
                    sent = session.post(f"{url}/track", json=event, headers=headers, timeout=30)
                    assert sent.status_code == 200
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=60)


def compares(shell: Shell) -> None:
    """The probes go to the other mock and to one of the command's own, and nowhere else."""
    project = Project("T", secret="hush-hush", identity="simplified")
    with Server(Config(projects=(project,), strict_projects=True)) as other:
        given = ("--against", other.url, "--token", "T", "--secret", "hush-hush", "--yes")
        done = shell.run("conformance", "parity", *given)
        assert done.returncode == 0, done.stdout + done.stderr


ONE = ["-k", "alias/direction"]
DRIVER = f"exec:{sys.executable} {ROOT / 'tests/conformance/drivers/ours.py'} {{}}"
NEW = ["diff", "--corpus", "in.jsonl", "--workers", "1", *SETTINGS, "--old"]

QUIET: dict[str, list[list[str]]] = {
    "translator translate": [
        ["translate", *SETTINGS, "in.jsonl"],
        ["translate", *SETTINGS, "--mode", "web", "in.jsonl"],
    ],
    "translator engage": [
        ["engage", *SETTINGS, "--definitions", "definitions.yaml", "in.jsonl"],
        [
            *("engage", *SETTINGS, "--definitions", "definitions.yaml"),
            *("--state", "state", "--output", "out.jsonl", "in.jsonl"),
        ],
    ],
    "translator reference": [["reference"]],
    "translator mapping": [["mapping"]],
    "mock_mixpanel api": [["api"]],
    "conformance run": [
        ["run", *ONE, "--report", "before"],
        ["run", "-k", "eu_endpoint/", "--report", "after"],
        ["run", *ONE, "--target", DRIVER.format("deliver")],
    ],
    "conformance compare": [["compare", "before", "before"]],
    "conformance captures": [["captures", "--rules", "observed"]],
    "conformance list": [["list"]],
    "conformance decisions": [["decisions"]],
    "conformance envelope": [["envelope"]],
    "conformance schema": [["schema"]],
    "conformance coverage": [["coverage"]],
    "conformance corpus synth": [["corpus", "synth", "--messages", "10"]],
    "conformance corpus import": [["corpus", "import", "--from", "segment-s3", "in.jsonl"]],
    "conformance corpus redact": [["corpus", "redact", "in.jsonl"]],
    "conformance diff": [[*NEW, "rules:observed"], [*NEW, DRIVER.format("translate")]],
    "conformance migrate": [
        [
            *("migrate", "--corpus", "in.jsonl", *SETTINGS),
            *("--from", "rules:observed", "--to", DRIVER.format("translate")),
        ],
    ],
}
"""Commands that deliver nothing and end by themselves: arguments that do not ask for help."""

TALKING: dict[str, Callable[[Shell], None]] = {
    "mock_mixpanel serve": serves,
    "conformance parity": compares,
}
"""Commands that connect to a process of this machine."""


def commands(group: click.Command, path: str) -> Iterator[str]:
    """All commands of a package, by name."""
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from commands(command, f"{path} {name}")
    else:
        yield path


def test_every_command_is_watched() -> None:
    """A new command needs its line in a table."""
    groups = {"translator": translator, "mock_mixpanel": mock_mixpanel, "conformance": conformance}
    assert {*(f"translator {name}" for name in DELIVERING), *QUIET, *TALKING} == {
        found for name, group in groups.items() for found in commands(group, name)
    }


def test_no_quiet_command_gets_out(tmp_path: Path, stub: Stub) -> None:
    """A command that delivers nothing opens no connection and resolves no other name."""
    shell = Shell(tmp_path, stub)
    quiet = [[name.split()[0], *words] for name, each in QUIET.items() for words in each]
    failed = [each for each in shell.run_all(quiet) if each.returncode not in (0, 1)]
    assert failed == []
    assert shell.watched.outside() == []
    assert stub.received == []


@pytest.mark.parametrize("name", list(TALKING))
def test_no_talking_command_gets_out(tmp_path: Path, stub: Stub, name: str) -> None:
    """A command that connects to this machine connects to no other one."""
    shell = Shell(tmp_path, stub)
    TALKING[name](shell)
    assert shell.watched.outside() == []
    assert stub.received == []


def test_a_target_elsewhere_is_refused(tmp_path: Path, stub: Stub) -> None:
    """Scenarios are never sent to another machine."""
    shell = Shell(tmp_path, stub)
    done = shell.run("conformance", "run", *ONE, "--target", "http:https://api.mixpanel.com")
    assert (done.returncode, "is not this machine" in done.stderr) == (2, True)
    assert shell.watched.outside() == []


def test_another_mixpanel_elsewhere_is_refused(tmp_path: Path, stub: Stub) -> None:
    """Without `--live`, probes are never sent to another machine."""
    shell = Shell(tmp_path, stub)
    given = ("--token", "T", "--yes", "--against", "https://api.mixpanel.com")
    done = shell.run("conformance", "parity", *given)
    assert (done.returncode, "is not on this machine" in done.stderr) == (2, True)
    assert shell.watched.outside() == []


@pytest.mark.parametrize(
    ("options", "host"),
    [([], "api.mixpanel.com"), (["--against", OUTSIDE], "outside.example.com")],
)
def test_live_parity_would_get_out(
    tmp_path: Path, stub: Stub, options: list[str], host: str
) -> None:
    """With `--live` the same watch sees the probes leave and stops them."""
    shell = Shell(tmp_path, stub)
    done = shell.run("conformance", "parity", "--token", "T", "--yes", "--live", *options)
    assert done.returncode == EXIT
    assert host in {found for _, found in shell.watched.outside()}


@pytest.mark.parametrize(
    ("options", "host"),
    [
        ([], "api.mixpanel.com"),
        (["--base-url", OUTSIDE], "outside.example.com"),
        (["--base-url", "http://192.0.2.1"], "192.0.2.1"),
    ],
)
def test_live_would_get_out(tmp_path: Path, stub: Stub, options: list[str], host: str) -> None:
    """With `--live` the same watch sees the attempt and stops it."""
    shell = Shell(tmp_path, stub)
    assert shell.send("--live", *options).returncode == EXIT
    assert host in {found for _, found in shell.watched.outside()}


BROKEN = {
    "follows redirects": "post = requests.Session.post\n"
    "requests.Session.post = lambda *a, **o: post(*a, **{**o, 'allow_redirects': True})",
    "believes the environment": "trusting = property(lambda s: True, lambda s, value: None)\n"
    "requests.Session.trust_env = trusting",
    "takes any address": "from translator.sender.http import destination_guard\n"
    "destination_guard.is_loopback = lambda name: True",
    "takes any endpoint": "from translator.sender.queue import preparation\n"
    "class Any:\n    def __contains__(self, name): return True\n"
    "preparation.ENDPOINTS = Any()",
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_broken_on_purpose(tmp_path: Path, stub: Stub, name: str) -> None:
    """Code that follows redirects, proxies, or any address or endpoint is caught by the watch."""
    shell = Shell(tmp_path, stub)
    stub.script = [Reply(307, b"", {"Location": f"{OUTSIDE}/track"})]
    url = OUTSIDE if "address" in name else stub.url
    arguments = ["send", "--settings", "settings.json", "--base-url", url, "in.jsonl"]
    if "endpoint" in name:
        operation = {"endpoint": "@outside.example.com/track", "host": HOSTS[False]}
        letter = {**DEAD, "operation": {**operation, "payload": EVENT}}
        (tmp_path / "dead").write_text(json.dumps(letter) + "\n")
        arguments = ["resend", "--settings", "settings.json", "--base-url", url, "dead"]
    done = shell.run("translator", *arguments, broken=f"import requests\n{BROKEN[name]}")
    assert done.returncode == EXIT
    host = "proxy.example.com" if "environment" in name else "outside.example.com"
    assert {found for _, found in shell.watched.outside()} == {host}
