"""Facts about the browser of a page, and the properties that mixpanel-js derives from them
(docs/facts/device-mode.md#web-requests-of-mixpanel-js)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Self
from urllib.parse import unquote, urlsplit

from translator.core.operations import Json
from translator.device.web import js

CAMPAIGN = tuple(
    f"utm_{name}"
    for name in (
        *("source", "medium", "campaign", "content", "term", "id", "source_platform"),
        *("campaign_id", "creative_format", "marketing_tactic"),
    )
)
CLICK_IDS = (
    *("dclid", "fbclid", "gclid", "ko_click_id", "li_fat_id", "msclkid", "sccid", "ttclid"),
    *("twclid", "wbraid"),
)
SEARCH_ENGINES: Mapping[str, str] = {
    "google": "https?://(.*)google.([^/?]*)",
    "bing": "https?://(.*)bing.com",
    "yahoo": "https?://(.*)yahoo.com",
    "duckduckgo": "https?://(.*)duckduckgo.com",
}
"""Search engine -> pattern of its referrers. The first match counts."""


@dataclass(frozen=True, kw_only=True)
class Browser:
    """The facts that the SDK reads from the page. `screen` is width and height in pixels."""

    url: str = "https://www.example.com/shop"
    referrer: str = ""
    user_agent: str = (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/120.0.0.0 Safari/537.36"
    )
    vendor: str = "Google Inc."
    screen: tuple[int, int] = (1440, 900)

    @classmethod
    def from_json(cls, values: object) -> Self:
        """The browser that a JSON object describes. Raises ValueError that names the wrong fact."""
        if not isinstance(values, Mapping):
            raise ValueError(f"a browser must be an object, not {values!r:.80}")
        known = {field.name for field in fields(cls)}
        for key, value in values.items():
            if key not in known:
                raise ValueError(f"unknown key {key!r}; known: {', '.join(sorted(known))}")
            if key == "screen":
                if not (
                    isinstance(value, list)
                    and len(value) == 2
                    and all(type(side) is int for side in value)
                ):
                    raise ValueError(f"'screen' must be width and height, not {value!r:.80}")
            elif not isinstance(value, str):
                raise ValueError(f"{key!r} must be text, not {value!r:.80}")
        screen = {"screen": tuple(values["screen"])} if "screen" in values else {}
        return cls(**{**values, **screen})

    @property
    def hostname(self) -> str:
        """The page's host, without a port."""
        return urlsplit(self.url).hostname or ""

    @property
    def secure(self) -> bool:
        """Whether the page may store a secure cookie."""
        return urlsplit(self.url).scheme == "https" or self.hostname == "localhost"

    def event_properties(self) -> Json:
        """Default properties of events, without unknown ones."""
        return {
            **_known({"$os": self.os, "$browser": self.name, "$referrer": self.referrer}),
            **_known({"$referring_domain": self.referring_domain, "$device": self.device}),
            "$current_url": self.url,
            "$browser_version": self.version,
            "$screen_height": self.screen[1],
            "$screen_width": self.screen[0],
            "mp_lib": "web",
        }

    def people_properties(self) -> Json:
        """Default properties of every `$set`."""
        known = _known({"$os": self.os, "$browser": self.name})
        return {**known, "$browser_version": self.version}

    @property
    def os(self) -> str:
        """The operating system; empty if unknown."""
        return _first(OPERATING_SYSTEMS, self.user_agent)

    @property
    def device(self) -> str:
        """The kind of mobile device; empty if it is not one."""
        return _first(DEVICES, self.user_agent)

    @property
    def name(self) -> str:
        """The browser's name; empty if unknown."""
        agent = f"{self.user_agent}\nvendor:{self.vendor}"
        return _first(BROWSERS, agent)

    @property
    def version(self) -> float | None:
        """The browser's version: major and minor as one number; None if unknown."""
        pattern = VERSIONS.get(self.name)
        found = re.search(pattern, self.user_agent) if pattern else None
        return js.number(float(found[1])) if found else None

    @property
    def referring_domain(self) -> str:
        """The host of the referrer; empty without a referrer."""
        return _domain(self.referrer)

    def campaign(self) -> Json:
        """UTM parameters of the page's URL."""
        return _parameters(self.url, CAMPAIGN)

    def marketing(self) -> Json:
        """UTM parameters and click ids of the page's URL."""
        return _parameters(self.url, (*CAMPAIGN, *CLICK_IDS))

    def search(self) -> Json:
        """Search engine and keywords, if the referrer is a search engine."""
        for engine, pattern in SEARCH_ENGINES.items():
            if re.match(pattern, self.referrer):
                words = query_parameter(self.referrer, "p" if engine == "yahoo" else "q")
                return {"$search_engine": engine, **_known({"mp_keyword": words})}
        return {}


def _known(values: Mapping[str, str]) -> Json:
    return {key: value for key, value in values.items() if value}


def _domain(url: str) -> str:
    parts = url.split("/")
    return parts[2] if len(parts) >= 3 else ""


def _parameters(url: str, names: Iterable[str]) -> Json:
    return _known({name: query_parameter(url, name) for name in names})


def query_parameter(url: str, name: str) -> str:
    """A parameter of a URL, decoded; empty if it is absent."""
    found = re.search(rf"[?&]{re.escape(name)}=([^&#]*)", url)
    if found is None:
        return ""
    try:
        decoded = unquote(_whole_escapes(found[1]), errors="strict")
    except (UnicodeDecodeError, ValueError):
        decoded = found[1]
    return decoded.replace("+", " ")


def _whole_escapes(text: str) -> str:
    """The text. Raises ValueError for a `%` that does not begin an escape."""
    if re.search("%(?![0-9A-Fa-f]{2})", text):
        raise ValueError(text)
    return text


def cookie_domain(hostname: str) -> str:
    """The registrable domain by the SDK's heuristic, for a cookie of all subdomains; or empty."""
    last = hostname.rpartition(".")[2]
    simple = len(last) > 4 or last in ("com", "org")
    pattern = r"[a-z0-9][a-z0-9-]*\.[a-z]+\Z" if simple else r"[a-z0-9][a-z0-9-]+\.[a-z.]{2,6}\Z"
    found = re.search(pattern, hostname, re.IGNORECASE)
    return found[0] if found else ""


Table = tuple[tuple[str, str], ...]

_BLACKBERRY = "(?i:BlackBerry|PlayBook|BB10)"

OPERATING_SYSTEMS: Table = (
    ("Windows Phone", r"(?s:\A(?=.*[Ww][Ii][Nn][Dd][Oo][Ww][Ss]).*(?:Phone|WPDesktop))"),
    ("Windows", "(?i:Windows)"),
    ("iOS", "iPhone|iPad|iPod"),
    ("Android", "Android"),
    ("BlackBerry", _BLACKBERRY),
    ("Mac OS X", "(?i:Mac)"),
    ("Linux", "Linux"),
    ("Chrome OS", "CrOS"),
)
"""Name and pattern of user agents. The first match counts."""


def _first(table: Table, text: str) -> str:
    return next((name for name, pattern in table if re.search(pattern, text)), "")


DEVICES: Table = (
    ("Windows Phone", "(?i:Windows Phone)|WPDesktop"),
    ("iPad", "iPad"),
    ("iPod Touch", "iPod"),
    ("iPhone", "iPhone"),
    ("BlackBerry", _BLACKBERRY),
    ("Android", "Android"),
)
BROWSERS: Table = (
    ("Opera Mini", "(?s: OPR/.*Mini|Mini.* OPR/)"),
    ("Opera", " OPR/"),
    ("BlackBerry", _BLACKBERRY),
    ("Internet Explorer Mobile", "IEMobile|WPDesktop"),
    ("Samsung Internet", "SamsungBrowser/"),
    ("Microsoft Edge", "Edge|Edg/"),
    ("Facebook Mobile", "FBIOS"),
    ("Whale Browser", "Whale/"),
    ("Chrome", "Chrome"),
    ("Chrome iOS", "CriOS"),
    ("UC Browser", "UCWEB|UCBrowser"),
    ("Firefox iOS", "FxiOS"),
    ("Mobile Safari", "(?s:Mobile.*\nvendor:.*Apple)"),
    ("Safari", "\nvendor:.*Apple"),
    ("Android Mobile", "Android"),
    ("Konqueror", "Konqueror"),
    ("Firefox", "Firefox"),
    ("Internet Explorer", "MSIE|Trident/"),
    ("Mozilla", "Gecko"),
)
_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
VERSIONS: Mapping[str, str] = {
    "Internet Explorer Mobile": f"rv:{_NUMBER}",
    "Microsoft Edge": f"Edge?/{_NUMBER}",
    "Chrome": f"Chrome/{_NUMBER}",
    "Chrome iOS": f"CriOS/{_NUMBER}",
    "UC Browser": f"(?:UCBrowser|UCWEB)/{_NUMBER}",
    "Safari": f"Version/{_NUMBER}",
    "Mobile Safari": f"Version/{_NUMBER}",
    "Opera": f"(?:Opera|OPR)/{_NUMBER}",
    "Firefox": f"Firefox/{_NUMBER}",
    "Firefox iOS": f"FxiOS/{_NUMBER}",
    "Konqueror": f"Konqueror:{_NUMBER}",
    "BlackBerry": f"BlackBerry {_NUMBER}",
    "Android Mobile": rf"android\s{_NUMBER}",
    "Samsung Internet": f"SamsungBrowser/{_NUMBER}",
    "Internet Explorer": f"(?:rv:|MSIE ){_NUMBER}",
    "Mozilla": f"rv:{_NUMBER}",
    "Whale Browser": f"Whale/{_NUMBER}",
}
"""Browser -> pattern that finds its version in the user agent."""
