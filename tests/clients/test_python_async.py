"""The package `mixpanel-py-async`: a consumer that sends from a thread of its own."""

import time
from typing import Any

from tests.clients.mixpanel import Project, sent
from tests.clients.needs import python_client
from tests.clients.test_python import LIB, LONG_AGO, sdk, urls

mixpanel_async = python_client("mixpanel_async")

NOW_MS = int(time.time()) * 1000 - 60_000


def consumer_of(project: Project, **options: Any) -> Any:
    return mixpanel_async.AsyncBufferedConsumer(flush_first=False, **urls(project), **options)


def test_events(project: Project) -> None:
    """Requests with more than 50 arrive, what the thread sends and what the last flush sends.

    The thread is waited for before that flush: this client sends what is on its way twice if the
    two overlap, and an export rightly shows both.
    """
    consumer = consumer_of(project, max_size=200)
    mixpanel = sdk.Mixpanel(project.token, consumer=consumer)
    expected = []
    for number in range(450):
        fixed = {"time": NOW_MS / 1000 + number / 10, "$insert_id": f"a-{number}"}
        mixpanel.track("ann", "Clicked", {"number": number} | fixed)
        expected.append(
            sent(
                "Clicked",
                NOW_MS + number * 100,
                number=number,
                distinct_id="ann",
                **{"$insert_id": f"a-{number}"},
                **LIB,
            )
        )
    consumer.flushing_thread.join()
    consumer.flush(async_=False)

    assert project.events() == expected
    sizes = [len(each["payload"]) for each in project.journal()]
    assert (sum(sizes), max(sizes) >= 200) == (450, True)
    assert project.undelivered() == []


def test_profiles_and_imports(project: Project) -> None:
    """People, groups and imports go through the thread too."""
    consumer = consumer_of(project)
    mixpanel = sdk.Mixpanel(project.token, consumer=consumer)
    mixpanel.people_set("ann", {"plan": "pro"})
    mixpanel.people_increment("ann", {"visits": 2})
    mixpanel.group_set("company", "acme", {"size": 3})
    consumer.flush()

    assert project.people(1) == {"ann": {"plan": "pro", "visits": 2}}
    assert project.groups("company", 1) == {"acme": {"size": 3}}
    assert project.undelivered() == []


def test_import(project: Project) -> None:
    """An import with a secret arrives."""
    consumer = consumer_of(project)
    sdk.Mixpanel(project.token, consumer=consumer).import_data(
        None, "ann", "Paid", LONG_AGO, {"$insert_id": "i-1"}, api_secret=project.secret
    )
    consumer.flush(async_=False)

    expected = {"distinct_id": "ann", "$insert_id": "i-1", "$import": True} | LIB
    assert project.events() == [sent("Paid", LONG_AGO * 1000, **expected)]
