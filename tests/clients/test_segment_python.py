"""The package `segment-analytics-python`, through the gateway into the mock."""

import time
from datetime import UTC, datetime
from pathlib import Path

from tests.clients.gateway import ANN, counted, gateway, settled
from tests.clients.mixpanel import Project
from tests.clients.needs import python_client

sdk = python_client("segment.analytics.client")

NOW_MS = int(time.time()) * 1000 - 60_000
AT = datetime.fromtimestamp(NOW_MS / 1000, UTC)
LIB = {"mp_lib": "Segment: analytics-python"}


def test_all_calls(project: Project, tmp_path: Path) -> None:
    """Each of the six calls becomes what the destination makes of it, also when compressed."""
    failures: list[object] = []
    with gateway(project, tmp_path) as url:
        client = sdk.Client(
            "write-key", host=url, gzip=True, on_error=lambda error, _: failures.append(error)
        )
        client.page(
            "visitor-7", None, "Pricing", {"path": "/pricing"}, timestamp=AT, message_id="p-1"
        )
        client.flush()
        client.alias("visitor-7", "ann", timestamp=AT)
        client.flush()
        client.identify("ann", {"name": "Ann Lee", "plan": "pro"}, timestamp=AT)
        client.group("ann", "acme", {"company": "acme", "size": 7}, timestamp=AT)
        client.track("ann", "Order Completed", {"total": 12}, timestamp=AT, message_id="t-1")
        client.screen("ann", None, "Home", {}, timestamp=AT, message_id="s-1")
        client.flush()
        client.join()
        events = project.events(4)
        people = project.people(1)
        groups = project.groups("company", 1)

    assert failures == []
    calls = {
        "Viewed Pricing Page": ("p-1", NOW_MS),
        "Order Completed": ("t-1", NOW_MS),
        "Viewed Home Screen": ("s-1", NOW_MS),
    }
    visitor = {"distinct_id": "visitor-7", "id": "visitor-7", "mp_name_tag": "visitor-7", **LIB}
    ann = {"distinct_id": "visitor-7", "id": "ann", "mp_name_tag": "ann", **LIB}
    assert settled(events, calls) == [
        {"event": "$create_alias", "distinct_id": "visitor-7", "alias": "ann"},
        {"event": "Order Completed", "total": 12, **ann},
        {"event": "Viewed Home Screen", "name": "Home", **ann},
        {"event": "Viewed Pricing Page", "path": "/pricing", "name": "Pricing", **visitor},
    ]
    assert list(people) == ["visitor-7"]
    assert counted(people["visitor-7"], "Order Completed", NOW_MS) == ANN
    assert groups == {"acme": {"company": "acme", "size": 7}}
    assert project.undelivered() == []
