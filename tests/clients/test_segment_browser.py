"""The package `@segment/analytics-next` in headless Chromium, through the gateway into the mock."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.clients.browser_run import Page, chromium, site
from tests.clients.gateway import ANN, counted, gateway, settled
from tests.clients.mixpanel import Project

NOW_MS = int(time.time()) * 1000 - 60_000
AT = datetime.fromtimestamp(NOW_MS / 1000, UTC).isoformat()

CALLS = """
    const [url, at, done] = arguments;
    (async () => {
        const [analytics] = await AnalyticsNext.AnalyticsBrowser.load(
            {writeKey: 'write-key', cdnURL: url}, {obfuscate: false}
        );
        analytics.setAnonymousId('visitor-7');
        const at_ = (id) => ({timestamp: at, messageId: id});
        await analytics.page('Shop', 'Pricing', {}, at_('p-1'));
        await analytics.alias('ann', 'visitor-7', at_('a-1'));
        await analytics.identify('ann', {name: 'Ann Lee', plan: 'pro'}, at_('i-1'));
        await analytics.group('acme', {company: 'acme', size: 7}, at_('g-1'));
        await analytics.track('Order Completed', {total: 12}, at_('t-1'));
    })().then(() => done(null), (error) => done(String(error)));
"""


def test_all_calls(project: Project, tmp_path: Path) -> None:
    """The page asks for its settings and sends here; each call becomes what it should."""
    with gateway(project, tmp_path) as url, site() as base, chromium(tmp_path / "p", 9) as driver:
        page = Page(driver, base)
        page.open("segment.html")
        failed = driver.execute_async_script(CALLS, url, AT)
        events = project.events(3)
        people = project.people(1)
        groups = project.groups("company", 1)
        agent: str = page.run("return navigator.userAgent")
        console = page.errors()

    assert (failed, console) == (None, [])
    version = agent.partition("HeadlessChrome/")[2].split()[0]
    common: dict[str, Any] = {
        "distinct_id": "visitor-7",
        "mp_lib": "Segment: analytics.js",
        "$browser": "Chrome Headless",
        "$browser_version": version,
        "$current_url": f"{base}/segment.html",
    }
    page_properties = {
        "path": "/segment.html",
        "$referrer": "",
        "search": "",
        "title": "A page with @segment/analytics-next",
        "url": f"{base}/segment.html",
    }
    times = {"Viewed Pricing Page": ("p-1", NOW_MS), "Order Completed": ("t-1", NOW_MS)}
    shown = settled(events, times)
    assert shown == [
        {"event": "$create_alias", "distinct_id": "visitor-7", "alias": "ann"},
        {"event": "Order Completed", "total": 12, "id": "ann", "mp_name_tag": "ann", **common},
        {
            "event": "Viewed Pricing Page",
            "category": "Shop",
            "name": "Pricing",
            "mp_name_tag": "visitor-7",
            **page_properties,
            **common,
        },
    ]
    addresses = [
        record["properties"].get("ip")
        for request in project.journal()
        for record in request["payload"]
        if record.get("event") in times
    ]
    assert addresses == ["127.0.0.1"] * 2  # what Mixpanel made places of
    assert list(people) == ["visitor-7"]
    browser = {"$browser": "Chrome Headless", "$browser_version": version}
    assert ANN | browser == counted(people["visitor-7"], "Order Completed", NOW_MS)
    assert groups == {"acme": {"company": "acme", "size": 7}}
    assert project.undelivered() == []
