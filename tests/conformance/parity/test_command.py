"""The command `parity`: what it asks, sends, shows and writes."""

import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug.wrappers import Response

from conformance.cli import main
from conformance.mockpanel.cli import main as mockpanel
from conformance.parity import command, service
from conformance.parity.access import ProjectAccess
from conformance.parity.probe import load_probes
from conformance.parity.result import missing
from mock_mixpanel import Config, Server
from tests.conformance.parity.broken_mixpanel import (
    Defect,
    refused,
    second_mixpanel,
    text_replaced,
)

TOKEN, SECRET = "token-0123456789", "secret-9876543210"
ACCESS = ProjectAccess(TOKEN, SECRET, None, "4242", "simplified", "company")
NOTHING_SENT = "Error: nothing was sent: answer y to the question, or give --yes\n"


def parity(*options: str, text: str = "") -> Result:
    return CliRunner().invoke(main, ["parity", "--token", TOKEN, *options], input=text)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Config(projects=(ACCESS.mock_project(),), strict_projects=True)) as running:
        yield running


def full(url: str, *options: str) -> Result:
    given = ("--secret", SECRET, "--project-id", "4242", "--group-key", "company", "--yes")
    return parity("--against", url, *given, *options)


def sent_to(server: Server) -> int:
    return server.backend.log.last()


def test_equal(server: Server) -> None:
    """Against an equal mock nothing differs, and every choice that was tried is confirmed."""
    done = full(server.url)
    skipped = [each.id for each in load_probes() if missing(each, ACCESS)]
    tried = len(load_probes()) - len(skipped)
    last = f"{tried} same, 0 differs, {len(skipped)} not tried"
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, last)
    assert "\nconfirmed  `$remove`\n" in done.stdout
    assert "refuted" not in done.stdout


def broken(*options: str, old: str, new: str) -> Result:
    defect = Defect((), text_replaced(old, new))
    with second_mixpanel(ACCESS, defect, int(time())) as url:
        return full(url, *options)


def test_different() -> None:
    """A difference is shown with both values, its choice is refuted, and the exit status is 1."""
    done = broken("-k", "encoding-broken-base64", old="invalid base64", new="bad base64")
    assert (done.exit_code, done.stdout) == (
        1,
        "differs    encoding-broken-base64  Broken base64 on /track.\n"
        "           answers/0/body/error\n"
        '             mock:  "data, invalid base64 encoding"\n'
        '             other: "data, bad base64 encoding"\n'
        "\n"
        "Choices of docs/reference/mock.md:\n"
        "refuted    Broken base64, line breaks included\n"
        "\n"
        "0 same, 1 differs, 0 not tried\n",
    )


def test_the_file_has_no_credentials(tmp_path: Path) -> None:
    """parity.json is private to its owner and hides credentials that answers contain."""
    done = broken(
        "-k",
        "track-no-token",
        "--report",
        str(tmp_path),
        old="token,",
        new=f"{TOKEN} {SECRET} 4242",
    )
    file = tmp_path / "parity.json"
    report = json.loads(file.read_text())
    assert (done.exit_code, stat.S_IMODE(file.stat().st_mode)) == (1, 0o600)
    [probe] = report["probes"]
    assert probe["differences"] == [
        {
            "path": "answers/0/body/error",
            "mock": "token, missing or empty",
            "other": "<token> <secret> <project_id> missing or empty",
        }
    ]
    assert [
        each for each in (TOKEN, SECRET, "4242") if each in file.read_text() + done.output
    ] == []


def test_service_account(server: Server, tmp_path: Path) -> None:
    """A service account imports and reads in place of a secret, and is not in the file."""
    access = ProjectAccess(TOKEN, None, "robot:its-long-secret", "4242", "simplified")
    config = Config(projects=(access.mock_project(),), strict_projects=True)
    with Server(config) as other:
        account = ("--service-account", "robot:its-long-secret", "--project-id", "4242")
        given = ("--against", other.url, *account, "--yes", "--report", str(tmp_path))
        done = parity(*given, "-k", "import-strict or profile-set")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "4 same, 0 differs, 0 not tried")
    assert "its-long-secret" not in (tmp_path / "parity.json").read_text()


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_without_agreement_nothing_is_sent(server: Server, answer: str) -> None:
    """It says what it will do and asks; any answer but yes sends nothing."""
    done = parity("--against", server.url, "-k", "track-plain", "--secret", SECRET, text=answer)
    assert (done.exit_code, done.stdout, sent_to(server)) == (2, "", 0)
    assert done.stderr.startswith(
        f"1 probe will send 1 request with 1 record to {server.url}, into the project whose"
        " token begins with 'toke'."
    )
    assert done.stderr.endswith(NOTHING_SENT)


def test_agreement(server: Server) -> None:
    """The answer yes sends."""
    done = parity("--against", server.url, "-k", "track-plain", "--secret", SECRET, text="y\n")
    assert (done.exit_code, sent_to(server) > 0) == (0, True)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ([], "give --against URL, or --live for the real Mixpanel"),
        (["--against", "https://api.mixpanel.com"], "is not on this machine"),
        (["--against", "http://192.0.2.1"], "is not on this machine"),
        (["--against", "http://mock", "--allow-host", "other"], "--allow-host mock if the mock"),
        (["--against", "http://mock", "--allow-host", "api.mixpanel.com"], "is the real Mixpanel"),
        (["--against", "http://127.0.0.1@example.com"], "without user, query or fragment"),
        (["--against", "http://127.0.0.1", "-k", "nothing-like-it"], "no probe matches"),
        (["--against", "http://127.0.0.1", "--service-account", "robot"], "must be USER:SECRET"),
        (["--against", "http://127.0.0.1", "--service-account", "r:s"], "needs --project-id"),
    ],
)
def test_wrong_usage(options: list[str], error: str) -> None:
    """Wrong usage ends with 2 and one clear error, before anything is sent."""
    done = parity(*options, "--yes")
    assert (done.exit_code, done.stdout, error in done.stderr) == (2, "", True)


def test_a_machine_is_allowed_by_its_name(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --allow-host the other Mixpanel may be a machine of that name."""
    resolve = socket.getaddrinfo

    def resolved(host: Any, *more: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if host == "mock" else host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    url = server.url.replace("127.0.0.1", "mock")
    secret = ("--secret", SECRET, "--yes", "-k", "track-plain")
    done = parity("--against", url, "--allow-host", "mock", *secret)
    assert (done.exit_code, sent_to(server) > 0) == (0, True)


def test_what_is_missing_is_not_tried(server: Server) -> None:
    """Without a secret, and with another identity system, probes are not tried, with the reason."""
    done = parity("--against", server.url, "--yes", "-k", "track-verbose or track-no-token")
    assert (done.exit_code, done.stdout) == (
        0,
        "not tried  track-verbose    The verbose answer.\n"
        "           needs --secret or --service-account\n"
        "not tried  track-verbose-2  verbose=2 is verbose as well.\n"
        "           needs --secret or --service-account\n"
        "same       track-no-token   An event without a token.\n"
        "\n"
        "1 same, 0 differs, 2 not tried\n",
    )


def test_no_service() -> None:
    """If nothing answers, no probe is tried, and the exit status is 3."""
    done = parity("--against", "http://127.0.0.1:1", "--yes", "-k", "track-no-token")
    assert (done.exit_code, "not tried  track-no-token" in done.stdout) == (3, True)
    assert "no connection, or it was closed before the response" in done.stdout


def test_reading_is_refused() -> None:
    """If reading is refused, a probe is not tried, unless its answers differ already."""

    def reads(sent: Any) -> bool:
        return bool(sent.path == "/api/2.0/export")

    with second_mixpanel(ACCESS, Defect((), refused(reads, 402, "")), int(time())) as url:
        done = full(url, "-k", "track-plain or track-no-token")
    assert (done.exit_code, done.stdout) == (
        0,
        "not tried  track-plain     The plain answer is one character.\n"
        "           events not read: /api/2.0/export answered 402\n"
        "same       track-no-token  An event without a token.\n"
        "\n"
        "1 same, 0 differs, 1 not tried\n",
    )


def test_the_report_is_opened_first(server: Server, tmp_path: Path) -> None:
    """A folder that cannot be written is an error before anything is sent."""
    (tmp_path / "file").touch()
    done = full(server.url, "--report", str(tmp_path / "file" / "folder"))
    assert (done.exit_code, sent_to(server)) == (2, 0)


def test_what_cannot_be_read_yet_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a service that needs time shows nothing of the run, its probes are not tried."""

    def around(sent: Any, forward: Any) -> Any:
        response = forward(sent)
        if sent.path == "/api/2.0/export":
            response.set_data("")
        return response

    options = ("-k", "track-plain or track-no-token", "--wait", "300", "--pause", "7")
    waited: list[float] = []
    monkeypatch.setattr(command, "wait", waited.append)
    with second_mixpanel(ACCESS, Defect((), around), int(time())) as url:
        slow, quick = full(url, *options), full(url, *options[:2])
    assert waited == [300, 0]
    assert (slow.exit_code, "no events of this run can be read yet" in slow.stdout) == (0, True)
    assert (quick.exit_code, quick.stdout.splitlines()[-1]) == (
        1,
        "1 same, 1 differs, 0 not tried",
    )


HOSTILE = {
    "deep": "[" * 100_000 + "]" * 100_000,
    "fairly deep": "[" * 300 + "]" * 300,
    "huge number": '{"status": 1' + "0" * 400 + "}",
    "surrogate": '{"error": "\\ud800", "\\udfff": 1}',
    "control characters": "\x1b[2J\u202e",
    "no text": "caf\udce9",
    "null": "null",
    "list": "[1, 2]",
    "other form": '{"results": [1]}',
    "endless pages": json.dumps(
        {
            "results": [{"$distinct_id": "x", "$properties": {}}],
            "page_size": 1,
            "session_id": "s",
        }
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers(name: str, tmp_path: Path) -> None:
    """Whatever the other Mixpanel answers, the result is a table and a file."""
    body = HOSTILE[name].encode(errors="surrogateescape")

    def around(sent: Any, forward: Any) -> Response:
        return Response(body, 200, content_type="application/json")

    with second_mixpanel(ACCESS, Defect((), around), int(time())) as url:
        options = ("-k", "track-verbose or profile-set or group-set", "--report", str(tmp_path))
        done = full(url, *options)
    assert (done.exit_code, done.exception.__class__) == (1, SystemExit)
    assert json.loads((tmp_path / "parity.json").read_text())["counts"]["same"] == 0
    assert "\x1b" not in done.stdout


def test_a_large_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer over the limit is not read, and its probe is not tried."""
    monkeypatch.setattr(service, "MAX_BYTES", 1000)

    def around(sent: Any, forward: Any) -> Response:
        return Response("x" * 1001 if sent.path == "/track" else "1")

    with second_mixpanel(ACCESS, Defect((), around), int(time())) as url:
        done = full(url, "-k", "track-no-token")
    assert (done.exit_code, "the answer is larger than 1000 bytes" in done.stdout) == (3, True)


def test_a_redirect_is_an_answer(server: Server) -> None:
    """A redirect is not followed: the credential would go elsewhere."""

    def around(sent: Any, forward: Any) -> Response:
        return Response("", 307, headers={"Location": f"{server.url}{sent.path}"})

    with second_mixpanel(ACCESS, Defect((), around), int(time())) as url:
        done = full(url, "-k", "import-strict")
    assert (done.exit_code, sent_to(server)) == (1, 0)


def test_environment(server: Server) -> None:
    """Credentials can be given as environment variables."""
    names = {"TOKEN": TOKEN, "SECRET": SECRET, "AGAINST": server.url, "YES": "1"}
    variables = {f"MOCKPANEL_PARITY_{name}": value for name, value in names.items()}
    done = CliRunner().invoke(mockpanel, ["parity", "-k", "track-plain"], env=variables)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "1 same, 0 differs, 0 not tried")
