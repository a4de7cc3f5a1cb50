"""Browser and version from a user agent, by ua-parser behind a cache.

The parser's names differ from those seen in captures in a few places; the table holds them.
"""

import re
from functools import lru_cache

from ua_parser import parse_user_agent

BROWSER_NAMES = {
    "Amazon Silk": "Silk",
    "Android": "Android Browser",
    "BlackBerry WebKit": "Safari",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile WebView": "Chrome WebView",
    "Chrome Mobile iOS": "Chrome",
    "DuckDuckGo Mobile": "DuckDuckGo",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Google": "GSA",
    "HeadlessChrome": "Chrome Headless",
    "IE Mobile": "IEMobile",
    "MiuiBrowser": "MIUI Browser",
    "Mobile Safari UI/WKWebView": "WebKit",
    "Opera Mobile": "Opera",
    "UC Browser": "UCBrowser",
    "Yandex Browser": "Yandex",
}
"""The parser's name -> the name sent as `$browser`."""

VERSION_TOKENS = {"Android Browser": "Version", "WebKit": "AppleWebKit"}
"""Browser -> the token of the agent with its version, where the parser tells another or none."""

NOT_BROWSERS = re.compile(
    r"bot\b|crawl|spider|curl|wget|httpclient|okhttp|axios|node-fetch|requests|urllib|http-client"
    r"|^java$|^go-http|postman|cfnetwork",
    re.IGNORECASE,
)
"""Families that are programs, not browsers: nothing is sent for them."""

NOT_BROWSER_AGENTS = re.compile(r"^Dalvik/|\bCFNetwork/")
"""Agents of apps, which have no browser: nothing is sent for them."""

MAX_LENGTH = 1_000
"""Longer user agents are nobody's browser and would cost time to parse (characters)."""


@lru_cache(maxsize=16_384)
def browser(user_agent: str) -> tuple[str, str | None] | None:
    """`($browser, $browser_version)`, or None for an agent that is no known browser."""
    if len(user_agent) > MAX_LENGTH or NOT_BROWSER_AGENTS.search(user_agent):
        return None
    parsed = parse_user_agent(user_agent)
    if parsed is None or NOT_BROWSERS.search(parsed.family):
        return None
    name = BROWSER_NAMES.get(parsed.family, parsed.family)
    token = VERSION_TOKENS.get(name)
    found = re.search(rf"(?<!\w){token}/([\d.]+)", user_agent) if token else None
    if found:
        return name, found.group(1)
    parts = (parsed.major, parsed.minor, parsed.patch, parsed.patch_minor)
    version = ".".join(part for part in parts if part)
    if not version:
        return name, None
    # The parser cuts some versions after three parts; the agent has the whole of it.
    whole = re.search(rf"(?<![\d.]){re.escape(version)}(?:\.\d+)*(?![\d])", user_agent)
    return name, whole.group() if whole else version
