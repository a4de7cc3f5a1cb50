"""Browser and version from a user agent, by ua-parser behind a cache.

The parser's names differ from those seen in captures in a few places; the table holds them.
"""

import re
from functools import lru_cache

from ua_parser import parse_user_agent

BROWSER_NAMES = {
    "Android": "Android Browser",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile WebView": "Chrome WebView",
    "Chrome Mobile iOS": "Chrome",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "HeadlessChrome": "Chrome Headless",
    "IE Mobile": "IEMobile",
    "Mobile Safari UI/WKWebView": "WebKit",
    "Opera Mobile": "Opera Mobi",
    "Yandex Browser": "Yandex",
}
"""The parser's name -> the name sent as `$browser`."""

NOT_BROWSERS = re.compile(
    r"bot\b|crawl|spider|curl|wget|httpclient|okhttp|axios|node-fetch|requests|urllib|http-client"
    r"|^java$|^go-http|postman|cfnetwork",
    re.IGNORECASE,
)
"""Families that are programs, not browsers: nothing is sent for them."""

MAX_LENGTH = 1_000
"""Longer user agents are nobody's browser and would cost time to parse (characters)."""


@lru_cache(maxsize=16_384)
def browser(user_agent: str) -> tuple[str, str | None] | None:
    """`($browser, $browser_version)`, or None for an agent that is no known browser."""
    parsed = parse_user_agent(user_agent) if len(user_agent) <= MAX_LENGTH else None
    if parsed is None or NOT_BROWSERS.search(parsed.family):
        return None
    name = BROWSER_NAMES.get(parsed.family, parsed.family)
    parts = (parsed.major, parsed.minor, parsed.patch, parsed.patch_minor)
    version = ".".join(part for part in parts if part)
    if not version:
        return name, None
    # The parser cuts some versions after three parts; the agent has the whole of it.
    whole = re.search(rf"(?<![\d.]){re.escape(version)}(?:\.\d+)*(?![\d])", user_agent)
    return name, whole.group() if whole else version
