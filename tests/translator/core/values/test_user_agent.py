import pytest

from translator.core.values.user_agent import browser

APPLE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.6367.82"
LINUX = "Mozilla/5.0 (Linux; Android 4.0.3"
WEBKIT = "AppleWebKit/534.30 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0) {CHROME} Safari/537.36", ("Chrome", "124.0.6367.82")),
        (f"Mozilla/5.0 (Linux; Android 14) {CHROME} Mobile Safari", ("Chrome", "124.0.6367.82")),
        (f"{APPLE} Gecko) Version/17.4 Mobile/15E148 Safari/604.1", ("Mobile Safari", "17.4")),
        (f"{APPLE} Gecko) CriOS/124.0.6367.88 Mobile/1 Safari/6", ("Chrome", "124.0.6367.88")),
        (f"{APPLE} Gecko) FxiOS/126.0 Mobile/15E148 Safari/605", ("Firefox", "126.0")),
        ("Mozilla/5.0 (Android 14; Mobile; rv:126.0) Gecko/1 Firefox/126.0", ("Firefox", "126.0")),
        (f"Mozilla/5.0 (X) {CHROME} Safari/537.36 Edg/124.0.2478.80", ("Edge", "124.0.2478.80")),
        (f"Mozilla/5.0 (X) {CHROME} Safari/537.36 OPR/110.0.0.0", ("Opera", "110.0.0.0")),
        (f"{APPLE} Gecko) Mobile/15E148", ("WebKit", "605.1.15")),
        (f"{APPLE} Gecko) GSA/269.0.538 Mobile/1 Safari/6", ("GSA", "269.0.538")),
        (f"{LINUX}; Pixel) {CHROME} Mobile Safari/537.36 OPR/73.1.3844", ("Opera", "73.1.3844")),
        (f"{LINUX}; U) {CHROME} UCBrowser/13.4.0.1306 Safari/1", ("UCBrowser", "13.4.0.1306")),
        (f"{LINUX}; U) {WEBKIT} Version/4.0 Mobile Safari/534.30", ("Android Browser", "4.0")),
        ("Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)", ("IE", "10.0")),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", None),
        ("analytics-node/6.1.0", None),
        ("curl/8.4.0", None),
        ("Dalvik/2.1.0 (Linux; U; Android 11; Pixel 5 Build/RQ3A)", None),
        ("MyApp/3.1 CFNetwork/1220.1 Darwin/20.3.0", None),
        ("", None),
        ("x" * 5000, None),
    ],
)
def test_browsers_have_the_names_seen_in_captures(
    agent: str, expected: tuple[str, str] | None
) -> None:
    """Mobile variants are one browser, versions are whole, and programs are not browsers."""
    assert browser(agent) == expected
