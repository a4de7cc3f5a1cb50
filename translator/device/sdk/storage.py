"""The cookies and localStorage of one browser that mixpanel-js uses.

As in a browser, a cookie of more than 4096 bytes and a secure cookie of a page without https are
not stored.
"""

from dataclasses import dataclass, field
from urllib.parse import quote

from translator.device.sdk.browser import Browser, cookie_domain

COOKIE_BYTES = 4096
"""Largest size of a cookie, name and value together."""


@dataclass
class Cookie:
    """A cookie. `domain` begins with a dot if subdomains see it; `value` is decoded."""

    name: str
    value: str
    domain: str
    secure: bool
    expires_days: int
    path: str = "/"


@dataclass
class Storage:
    """Everything that one browser stores; a new page of it finds it."""

    cookies: dict[str, Cookie] = field(default_factory=dict)
    local: dict[str, str] = field(default_factory=dict)

    def set_cookie(self, cookie: Cookie, browser: Browser) -> None:
        """Store or replace a cookie, if a browser would."""
        if (browser.secure or not cookie.secure) and _fits(cookie):
            self.cookies[cookie.name] = cookie


def _fits(cookie: Cookie) -> bool:
    """Whether a browser stores a cookie of this size; the value is percent-encoded in it."""
    room = COOKIE_BYTES - len(cookie.name)
    # Percent-encoding a character takes up to 3 bytes in ASCII, and up to 12 otherwise.
    if len(cookie.value) * (3 if cookie.value.isascii() else 12) <= room:
        return True
    return len(quote(cookie.value, safe="!'()*", errors="replace")) <= room


def domain_of(browser: Browser, *, cross_subdomain: bool) -> str:
    """The domain of the page's cookie."""
    domain = cookie_domain(browser.hostname) if cross_subdomain else ""
    return f".{domain}" if domain else browser.hostname
