"""What mixpanel-js makes of the browser."""

import pytest

from translator.device.sdk import Browser
from translator.device.sdk.browser import cookie_domain, query_parameter

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) {SAFARI}"
APPLE = "Apple Computer, Inc."


@pytest.mark.parametrize(
    ("agent", "vendor", "expected"),
    [
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/124.0.0.0 Safari/537.36",
            "Google Inc.",
            ("Windows", "Chrome", 124, ""),
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/124.0 Safari/537.36 Edg/124.3.1",
            "Google Inc.",
            ("Windows", "Microsoft Edge", 124.3, ""),
        ),
        (
            f"{IPHONE} Version/17.4 Mobile/15E148 Safari/604.1",
            APPLE,
            ("iOS", "Mobile Safari", 17.4, "iPhone"),
        ),
        (f"{IPHONE} CriOS/124.0.6367 Mobile/15E148", APPLE, ("iOS", "Chrome iOS", 124, "iPhone")),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_4) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.4.1 Safari/605.1.15",
            APPLE,
            ("Mac OS X", "Safari", 17.4, ""),
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0",
            "",
            ("Linux", "Firefox", 125, ""),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14) {WEBKIT} SamsungBrowser/25.0 Chrome/121 Mobile",
            "Google Inc.",
            ("Android", "Samsung Internet", 25, "Android"),
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
            "",
            ("Windows", "Internet Explorer", 11, ""),
        ),
        ("curl/8.6", "", ("", "", None, "")),
    ],
)
def test_user_agents(agent: str, vendor: str, expected: tuple[object, ...]) -> None:
    """System, browser, version as a number, and the kind of a mobile device."""
    found = Browser(user_agent=agent, vendor=vendor)
    assert (found.os, found.name, found.version, found.device) == expected


def test_unknown_facts_are_left_out() -> None:
    """An unknown browser has no name, and null for its version."""
    assert Browser(user_agent="curl/8.6").people_properties() == {"$browser_version": None}


@pytest.mark.parametrize(
    ("hostname", "domain"),
    [
        ("www.example.com", "example.com"),
        ("a.b.example.org", "example.org"),
        ("www.example.co.uk", "example.co.uk"),
        ("shop.example.io", "example.io"),
        ("www.example.travel", "example.travel"),
        ("localhost", ""),
        ("127.0.0.1", ""),
    ],
)
def test_cookie_domain(hostname: str, domain: str) -> None:
    """The domain that a cookie for all subdomains gets
    (docs/facts/device-mode.md#web-requests-of-mixpanel-js)."""
    assert domain == cookie_domain(hostname)


@pytest.mark.parametrize(
    ("url", "value"),
    [
        ("https://x.example/?q=a+b%20c", "a b c"),
        ("https://x.example/?a=1&q=2#q=3", "2"),
        ("https://x.example/?q=%zz", "%zz"),
        ("https://x.example/?q=%ff", "%ff"),
        ("https://x.example/?q=", ""),
        ("https://x.example/", ""),
    ],
)
def test_query_parameter(url: str, value: str) -> None:
    """A parameter is decoded if it can be."""
    assert value == query_parameter(url, "q")


@pytest.mark.parametrize(
    ("referrer", "found"),
    [
        ("https://www.google.de/search?q=kiln", {"$search_engine": "google", "mp_keyword": "kiln"}),
        (
            "https://search.yahoo.com/s?p=kiln&q=x",
            {"$search_engine": "yahoo", "mp_keyword": "kiln"},
        ),
        ("https://duckduckgo.com/", {"$search_engine": "duckduckgo"}),
        ("https://example.com/?q=kiln", {}),
        ("", {}),
    ],
)
def test_search(referrer: str, found: dict[str, str]) -> None:
    """Search engine and words come from the referrer."""
    assert found == Browser(referrer=referrer).search()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"uri": "x"}, "unknown key 'uri'"),
        ({"url": 1}, "'url' must be text, not 1"),
        ({"screen": [1]}, "'screen' must be width and height"),
        ([], "a browser must be an object"),
    ],
)
def test_bad_facts(values: object, text: str) -> None:
    """A mistake in a browser file is named."""
    with pytest.raises(ValueError, match=text):
        Browser.from_json(values)
