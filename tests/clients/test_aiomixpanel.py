"""The package `aiomixpanel`: every event a GET of its own, all at once."""

import asyncio
import json
import time
from typing import Any

import pytest

from tests.clients.mixpanel import Project, sent
from tests.clients.needs import python_client
from tests.clients.test_python import LIB, sdk

aiohttp = python_client("aiohttp")
aiomixpanel = python_client("aiomixpanel")

NOW_MS = int(time.time()) * 1000 - 60_000


def send(project: Project, *calls: tuple[str, Any]) -> None:
    """Make calls and wait for all requests that they started; errors are raised."""

    async def made() -> None:
        async with aiohttp.ClientSession() as session:
            urls = {"events_url": f"{project.url}/track", "people_url": f"{project.url}/engage"}
            consumer = aiomixpanel.AIOConsumer(session, **urls)
            mixpanel = sdk.Mixpanel(project.token, consumer=consumer)
            for method, arguments in calls:
                getattr(mixpanel, method)(*arguments)
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    asyncio.run(made())


def test_events_and_people(project: Project) -> None:
    """Events and profiles that are sent in parallel all arrive."""
    fixed = [{"time": NOW_MS / 1000 + n, "$insert_id": f"a-{n}", "n": n} for n in range(30)]
    send(
        project,
        *(("track", ("ann", "Clicked", properties)) for properties in fixed),
        ("people_set", ("ann", {"plan": "prö ✓"})),
    )

    assert [
        sent(
            "Clicked", NOW_MS + n * 1000, distinct_id="ann", n=n, **{"$insert_id": f"a-{n}"}, **LIB
        )
        for n in range(30)
    ] == project.events()
    assert project.people() == {"ann": {"plan": "prö ✓"}}
    assert project.undelivered() == []


def test_a_record_that_is_refused(project: Project) -> None:
    """The caller gets Mixpanel's error for a bad record."""
    with pytest.raises(sdk.MixpanelException) as error:
        send(project, ("people_set", ("", {"plan": "pro"})))
    assert "$distinct_id, missing or empty" in json.dumps(str(error.value))
    assert project.people() == {}
