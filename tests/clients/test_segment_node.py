"""The package `@segment/analytics-node`, through the gateway into the mock."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.clients import node_run
from tests.clients.gateway import ANN, counted, gateway, settled
from tests.clients.mixpanel import Project

NOW_MS = int(time.time()) * 1000 - 60_000
AT = datetime.fromtimestamp(NOW_MS / 1000, UTC).isoformat()
LIB = {"mp_lib": "Segment: @segment/analytics-node"}


def test_all_calls(project: Project, tmp_path: Path) -> None:
    """Each of the six calls becomes what the destination makes of it."""
    visitor, ann = {"userId": "visitor-7", "timestamp": AT}, {"userId": "ann", "timestamp": AT}
    order = {"event": "Order Completed", "properties": {"total": 12}, "messageId": "t-1"}
    calls = [
        [["page", {"name": "Pricing", "properties": {}, "messageId": "p-1", **visitor}]],
        [["alias", {"previousId": "visitor-7", **ann}]],
        [
            ["identify", {"traits": {"name": "Ann Lee", "plan": "pro"}, **ann}],
            ["group", {"groupId": "acme", "traits": {"company": "acme", "size": 7}, **ann}],
            ["track", {**order, **ann}],
            ["screen", {"name": "Home", "messageId": "s-1", **ann}],
        ],
    ]
    with gateway(project, tmp_path) as url:
        given = {"options": {"host": url}, "calls": calls}
        told = node_run.run("segment.cjs", "@segment/analytics-node", given)
        events = project.events(4)
        people = project.people(1)
        groups = project.groups("company", 1)

    assert json.loads(told) == []
    times = {
        "Viewed Pricing Page": ("p-1", NOW_MS),
        "Order Completed": ("t-1", NOW_MS),
        "Viewed Home Screen": ("s-1", NOW_MS),
    }
    anonymous = {"distinct_id": "visitor-7", "id": "visitor-7", "mp_name_tag": "visitor-7", **LIB}
    known = {"distinct_id": "visitor-7", "id": "ann", "mp_name_tag": "ann", **LIB}
    assert settled(events, times) == [
        {"event": "$create_alias", "distinct_id": "visitor-7", "alias": "ann"},
        {"event": "Order Completed", "total": 12, **known},
        {"event": "Viewed Home Screen", "name": "Home", **known},
        {"event": "Viewed Pricing Page", "name": "Pricing", **anonymous},
    ]
    assert list(people) == ["visitor-7"]
    assert counted(people["visitor-7"], "Order Completed", NOW_MS) == ANN
    assert groups == {"acme": {"company": "acme", "size": 7}}
    assert project.undelivered() == []
