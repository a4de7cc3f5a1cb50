"""`--allow-host` permits a machine by name, and never the real Mixpanel."""

import pytest

from translator.sender import DestinationError
from translator.sender.http.destination_guard import allowed_hosts, checked_base_url, destination

US = "https://api.mixpanel.com"


@pytest.mark.parametrize("url", ["http://mock:8080", "https://MOCK", "http://mock:8080/path/"])
def test_a_named_host_is_allowed(url: str) -> None:
    """A base URL with an allowed host name is taken without --live."""
    allowed = allowed_hosts(["mock"])
    assert checked_base_url(url, live=False, allowed=allowed) == url.rstrip("/")
    assert destination(US, {US: url}, live=False, allowed=allowed) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://mock.evil.example",
        "http://evil.example/mock",
        "http://other:8080",
        "http://mock@evil.example",
        "http://evil.example#mock",
        "http://10.0.0.7",
    ],
)
def test_any_other_host_is_refused(url: str) -> None:
    """Only the whole name counts."""
    with pytest.raises(DestinationError):
        checked_base_url(url, live=False, allowed=allowed_hosts(["mock"]))


@pytest.mark.parametrize(
    "name",
    ["api.mixpanel.com", "API-EU.mixpanel.com.", "mixpanel.com", "", "a b", "http://mock", "*"],
)
def test_names_that_cannot_be_allowed(name: str) -> None:
    """The real Mixpanel needs --live, and a name is a plain host name."""
    with pytest.raises(DestinationError, match=r"use --live|is not a host name"):
        allowed_hosts([name])


def test_the_refusal_names_the_option() -> None:
    """The error says which option permits the host."""
    with pytest.raises(DestinationError, match=r"--allow-host mock if the mock runs there"):
        checked_base_url("http://mock:8080", live=False)
