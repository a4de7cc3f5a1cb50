"""The permitted destinations of requests."""

import socket

import pytest

from tests.translator.sender.build import EU, US, event
from tests.translator.sender.stub import Stub
from translator.sender import DestinationError, Sender, base_urls
from translator.sender.http.destination_guard import destination


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any socket is a failure."""

    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:8080",
        "http://127.9.8.7",
        "http://[::1]:8080",
        "http://localhost:8080",
        "https://LOCALHOST/prefix",
    ],
)
def test_this_machine_is_always_allowed(base_url: str) -> None:
    """An address that can only mean this machine needs no permission."""
    assert base_url == destination(US, {US: base_url + "/"}, live=False)


@pytest.mark.usefixtures("no_sockets")
@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.mixpanel.com",
        "http://10.0.0.1:8080",
        "http://0.0.0.0:8080",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@api.mixpanel.com",
        "http://api.mixpanel.com\\@127.0.0.1",
        "http://api.mixpanel.com#@127.0.0.1",
        "http://127.0.0.1:port",
        "http://[::1",
        "ftp://127.0.0.1",
        "127.0.0.1:8080",
        "http://",
        "",
    ],
)
def test_everywhere_else_is_refused(base_url: str) -> None:
    """Nothing leaves this machine, or tries a doubtful address, without `live`."""
    with Sender({US: base_url}) as sender, pytest.raises(DestinationError):
        sender.send([event("A")])


@pytest.mark.usefixtures("no_sockets")
def test_real_host_needs_live() -> None:
    """Without a base URL the error names both ways out."""
    with Sender() as sender, pytest.raises(DestinationError) as caught:
        sender.send([event("A")])
    assert str(caught.value) == (
        "operations for https://api.mixpanel.com are not sent to another machine by default: give "
        "--base-url with the address of a mock server, or --live to send to the real Mixpanel"
    )


@pytest.mark.usefixtures("no_sockets")
def test_europe_never_falls_back_to_the_us() -> None:
    """Operations for the EU need the EU's base URL."""
    with Sender({US: "http://127.0.0.1:8080"}) as sender, pytest.raises(DestinationError) as caught:
        sender.send([event("A", host=US), event("B", host=EU)])
    assert str(caught.value) == (
        "these operations are for https://api-eu.mixpanel.com, which has no base URL: "
        "give --eu-base-url with the address of a mock server"
    )


def test_nothing_is_sent_before_the_error(sender: Sender, stub: Stub) -> None:
    """One operation without an address stops the others too."""
    with pytest.raises(DestinationError):
        sender.send([event("A", host=US), event("B", host=EU)])
    assert stub.received == []


@pytest.mark.parametrize("host", [US, EU, "https://api-in.mixpanel.com"])
def test_live_reaches_the_official_hosts(host: str) -> None:
    """With `live` an operation's own host is its address."""
    assert host == destination(host, {}, live=True)


def test_live_reaches_nothing_else_by_itself() -> None:
    """`live` does not allow a host that is not Mixpanel's."""
    with pytest.raises(DestinationError):
        destination("https://mixpanel.example.com", {}, live=True)


def test_live_with_a_base_url_keeps_the_others_out() -> None:
    """Where one residency is replaced, another is not sent to the real Mixpanel by accident."""
    with pytest.raises(DestinationError):
        destination(EU, {US: "http://127.0.0.1:8080"}, live=True)


def test_live_takes_an_explicit_address() -> None:
    """With `live` a base URL may be another machine."""
    assert destination(US, {US: "http://10.0.0.1:8080"}, live=True) == "http://10.0.0.1:8080"


def test_options() -> None:
    """Each option replaces one residency's host."""
    assert base_urls(None, None) == {}
    assert base_urls("http://a", None) == {US: "http://a"}
    assert base_urls(None, "http://b") == {EU: "http://b"}
    assert base_urls("http://a", "http://b") == {US: "http://a", EU: "http://b"}
