"""No host that stands in a dead letter or a spool leads a request, or a secret, anywhere else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.command import run_here
from tests.translator.sender.build import EU, US, event
from tests.translator.sender.stub import Stub
from translator.cli import main
from translator.core.operations import Operation
from translator.sender import DeliveryStatus, DestinationError, Sender
from translator.sender.http.destination_guard import HOSTS, checked_base_url, destination
from translator.sender.http.transport import HttpResponse

pieces = st.sampled_from(
    [
        *("http", "https", "ftp", "file", "HTTPS", "://", ":", "/", "//", "\\", "@", "?", "#", "."),
        *("api.mixpanel.com", "api-eu.mixpanel.com", "mixpanel.com", "127.0.0.1", "localhost"),
        *("[::1]", "::1", "0x7f.1", "2130706433", "evil.example", ":443", ":9999", ":P"),
        "user:pw@",
        *("%40", "%2f", "%00", "\x00", "\n", "\t", " ", "\u3002", "\uff0e", "\u2044"),
        *("\u00ad", "é"),
    ]
)
hosts = st.one_of(
    st.sampled_from(sorted(HOSTS)),
    st.lists(pieces, max_size=8).map("".join),
    st.tuples(st.sampled_from(sorted(HOSTS)), st.text(max_size=5)).map("".join),
    st.tuples(st.text(max_size=5), st.sampled_from(sorted(HOSTS))).map("".join),
    st.text(max_size=30),
)


class Recorder:
    """A transport that remembers the addresses that it was given."""

    def __init__(self) -> None:
        self.urls: set[str] = set()

    def post(self, base_url: str, endpoint: str, body: bytes) -> HttpResponse:
        self.urls.add(base_url)
        return HttpResponse(200, {}, b'{"status": 1, "error": null}')

    def close(self) -> None:
        pass


@given(hosts)
@example("http://127.0.0.1:8080\\@api.mixpanel.com")
@example("http://api.mixpanel.com")
@example("https://api.mixpanel.com:9999")
@example("ftp://api.mixpanel.com")
@example("https://api.mixpanel.com/")
@example("https://API.mixpanel.com")
def test_live(host: str) -> None:
    """With `live` an operation goes to one of the known base URLs or nowhere."""
    recorder = Recorder()
    with Sender(api_secret="top-secret", live=True, transport=recorder) as sender:
        told: list[DeliveryStatus] = []
        operation = Operation("/import", host, event("A").payload)
        sender.stream([operation], lambda result: told.append(result.status))
    known = host in HOSTS
    assert recorder.urls == ({host} if known else set())
    assert told == [DeliveryStatus.DELIVERED if known else DeliveryStatus.DEAD_LETTERED]


@given(hosts)
def test_with_base_urls(host: str) -> None:
    """With base URLs an operation goes to one of these or nowhere, with `live` or without."""
    given_urls = {US: "http://127.0.0.1:1", EU: "http://127.0.0.1:2"}
    for live in (False, True):
        try:
            found = destination(host, given_urls, live=live)
        except DestinationError:
            assert host not in given_urls
        else:
            assert found == given_urls[host]


@given(hosts)
def test_base_urls_on_this_machine(base_url: str) -> None:
    """A base URL that is taken without `live` leads the HTTP client to this machine."""
    from urllib3.util import parse_url

    try:
        checked = checked_base_url(base_url, live=False)
    except DestinationError:
        return
    parsed = parse_url(checked)
    assert parsed.scheme in ("http", "https")
    assert parsed.auth is None
    assert (parsed.host or "").strip("[]") in ("127.0.0.1", "::1", "localhost")


@pytest.mark.parametrize(
    "host",
    [
        "{stub}\\@api.mixpanel.com",
        "{stub}",
        "http://api.mixpanel.com",
        "https://api.mixpanel.com:9999",
        "ftp://api.mixpanel.com",
    ],
)
def test_resend_live(tmp_path: Path, stub: Stub, host: str) -> None:
    """`resend --live` sends nothing for a host that it does not know; the dead letter stays."""
    operation: dict[str, Any] = event("A", "/import", host.format(stub=stub.url))._asdict()
    (tmp_path / "dead").write_text(json.dumps({"id": "1", "operation": operation}) + "\n")
    (tmp_path / "settings.json").write_text('{"token": "T", "apiSecret": "top-secret"}')
    command = ("resend", "--live", "--settings", "settings.json", "dead")
    done = run_here(main, *command, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["dead_lettered"] == 1
    assert stub.received == []
    [letter] = (tmp_path / "dead").read_text().splitlines()
    assert json.loads(letter)["operation"] == operation
