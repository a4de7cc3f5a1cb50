"""Reading again takes in only what is new, whatever is read."""

import pytest

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.log.stores import PAGE, Page
from mock_mixpanel.log.stores.memory import MemoryStore

LISTS = ["events", "events?raw=1", "profiles", "groups", "rejected", "identities"]


class Watched(MemoryStore):
    """A store that counts how many rows the projections took in."""

    taken = 0

    def page(self, generation: int | None, after: int, most: int = PAGE) -> Page:
        page = super().page(generation, after, most)
        self.taken += len(page.rows)
        return page


@pytest.mark.parametrize("name", LISTS)
def test_second_read_takes_only_what_is_new(name: str) -> None:
    """After three requests three are taken in, then one more for one more, and none for none."""
    store = Watched()
    client = create_app(backend=Backend(store=store)).test_client()
    record = {"event": "A", "properties": {"token": "T", "distinct_id": "ann"}}
    taken = []
    for new in (3, 1, 0):
        for _ in range(new):
            client.post("/track", json=record)
        before = store.taken
        assert client.get(f"/_mock/{name}").json is not None
        taken.append(store.taken - before)
    assert taken == [3, 1, 0]


def test_all_begins_anew_when_something_was_forgotten() -> None:
    """A reset of one project takes in again what is left of the others, once."""
    store = Watched()
    client = create_app(backend=Backend(store=store)).test_client()
    for token in "TUU":
        client.post("/track", json={"event": "A", "properties": {"token": token}})
    client.get("/_mock/events")
    client.post("/_mock/reset", json={"token": "T"})
    before = store.taken
    for _ in range(2):
        assert [each["token"] for each in client.get("/_mock/events").json or []] == ["U", "U"]
    assert store.taken - before == 2
