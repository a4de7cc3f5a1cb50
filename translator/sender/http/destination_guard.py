"""The addresses that requests may go to: this machine, unless the caller says `live`.

A test tool that reaches the real Mixpanel by accident pollutes a project permanently, so every
address is checked here, before a socket is opened.
"""

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import urlsplit

HOSTS = frozenset(
    {"https://api.mixpanel.com", "https://api-eu.mixpanel.com", "https://api-in.mixpanel.com"}
)
"""The base URLs of Mixpanel's ingestion hosts.

docs/facts/mixpanel-http-api.md#hosts-routes-and-authentication
"""

MIXPANEL = "mixpanel.com"
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?|[0-9a-f:.]+")

OPTIONS = {
    "https://api.mixpanel.com": "--base-url",
    "https://api-eu.mixpanel.com": "--eu-base-url",
}
"""The hosts that can be replaced, and the command-line option that does it."""


class DestinationError(ValueError):
    """There is no base URL for these operations; nothing has been sent."""


def destination(
    host: str, replaced: Mapping[str, str], *, live: bool, allowed: Collection[str] = ()
) -> str:
    """The base URL, without a closing slash, that operations for `host` go to.

    `host` is an operation's host, such as `https://api-eu.mixpanel.com`; `replaced` are the
    base URLs that replace such hosts; with any of them the real hosts are not used. A residency
    without a base URL never uses that of another: its data would be stored in the wrong region.

    `allowed` are names of other machines that a base URL may have, such as `mock` in a compose
    network.

    Raises DestinationError if the host has no base URL, or if it is another machine and neither
    `live` nor `allowed` permits it.
    """
    base_url = replaced.get(host)
    if base_url is not None:
        return checked_base_url(base_url, live=live, allowed=allowed)
    if host not in HOSTS:
        # It may come from an untrusted file: no part of it is used.
        raise DestinationError(f"{host!r:.100} is not a host that operations can go to")
    if live and not replaced:
        return host
    option = OPTIONS.get(host)
    if option is None:
        raise DestinationError(f"operations for {host} cannot be redirected: omit the base URLs")
    hint = f"give {option} with the address of a mock server"
    if replaced:
        raise DestinationError(f"these operations are for {host}, which has no base URL: {hint}")
    raise DestinationError(
        f"operations for {host} are not sent to another machine by default: {hint}, "
        "or --live to send to the real Mixpanel"
    )


def base_urls(base_url: str | None, eu_base_url: str | None) -> dict[str, str]:
    """The base URL of each residency, from the command line's two options."""
    given = {"--base-url": base_url, "--eu-base-url": eu_base_url}
    return {host: url for host, option in OPTIONS.items() if (url := given[option]) is not None}


def allowed_hosts(names: Iterable[str]) -> frozenset[str]:
    """The names of `--allow-host`. Raises DestinationError for names of the real Mixpanel."""
    found = frozenset(name.lower().rstrip(".") for name in names)
    for name in sorted(found):
        if _is_mixpanel(name):
            raise DestinationError(f"{name} is the real Mixpanel: use --live to send there")
        if not _HOST_NAME.fullmatch(name):
            raise DestinationError(f"{name!r:.100} is not a host name, such as mock")
    return found


def _is_mixpanel(name: str) -> bool:
    return name == MIXPANEL or name.endswith(f".{MIXPANEL}")


def checked_base_url(base_url: str, *, live: bool, allowed: Collection[str] = ()) -> str:
    """`base_url` without a closing slash.

    Raises DestinationError if it is not plainly `http(s)://host[:port][/path]`, or if its host is
    another machine and neither `live` nor `allowed` permits it.
    """
    # Parsers disagree on where the host is once one of these occurs.
    if any(character in base_url for character in "@\\?#") or not base_url.isprintable():
        raise DestinationError(
            "a base URL must have the form http://host:port, without user, query or fragment"
        )
    try:
        parts = urlsplit(base_url)
        hostname, _ = parts.hostname, parts.port
    except ValueError as error:
        raise DestinationError(f"the base URL {base_url!r} cannot be read: {error}") from error
    if parts.scheme not in ("http", "https") or not hostname:
        raise DestinationError(f"the base URL {base_url!r} must begin with http:// or https://")
    if not live and not is_loopback(hostname) and hostname not in allowed:
        named = (
            "" if _is_mixpanel(hostname) else f"--allow-host {hostname} if the mock runs there, "
        )
        raise DestinationError(
            f"the base URL {base_url!r} is not on this machine: give the address of a mock server "
            f"on 127.0.0.1, {named}or --live to send the data to another machine"
        )
    return base_url.rstrip("/")


def is_loopback(hostname: str) -> bool:
    """Whether a host name always means this machine: 127.0.0.0/8, ::1 or localhost."""
    if hostname.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False
