"""Browser and version of a user agent, by ua-parser with a cache.

A table maps the few names of the parser that differ from those seen in captures.
"""

import re
from functools import lru_cache

from ua_parser import Parser, load_lazy_builtins
from ua_parser.regex import Resolver

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
"""Browser -> the token in the agent that has its version, if the parser finds another or none."""

NOT_BROWSERS = re.compile(
    r"bot\b|crawl|spider|curl|wget|httpclient|okhttp|axios|node-fetch|requests|urllib|http-client"
    r"|^java$|^go-http|postman|cfnetwork",
    re.IGNORECASE,
)
"""Families that are programs and not browsers; they give no property."""

NOT_BROWSER_AGENTS = re.compile(r"^Dalvik/|\bCFNetwork/")
"""Agents of apps, which have no browser; they give no property."""

MAX_LENGTH = 1_000
"""Longer user agents are not parsed (characters)."""


@lru_cache(maxsize=1)
def _parser() -> Parser:
    """The parser, with the patterns of browsers only.

    Those of systems and devices are twice as many; each process would need 0.1 seconds for them.
    """
    browsers, _, _ = load_lazy_builtins()
    return Parser(Resolver((browsers, [], [])))


@lru_cache(maxsize=16_384)
def browser(user_agent: str) -> tuple[str, str | None] | None:
    """`($browser, $browser_version)`, or None if the agent is not a known browser."""
    if len(user_agent) > MAX_LENGTH or NOT_BROWSER_AGENTS.search(user_agent):
        return None
    parsed = _parser().parse_user_agent(user_agent)
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
    # The parser cuts some versions after three parts; the agent has the full version.
    whole = re.search(rf"(?<![\d.]){re.escape(version)}(?:\.\d+)*(?![\d])", user_agent)
    return name, whole.group() if whole else version
