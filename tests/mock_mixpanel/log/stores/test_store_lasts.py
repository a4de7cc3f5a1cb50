"""A store in a file outlives the server, however that ends."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.exceptions import ChunkedEncodingError

from mock_mixpanel import Config
from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.log.stores import open_store
from mock_mixpanel.projects.config import Project
from tests.mock_mixpanel.serving.test_serve_command import kill_all, serving, urls
from tests.mock_mixpanel.wire import NOW, event, names, send


@pytest.fixture(params=["sqlite:///{}/store.db", "folder:{}/store"])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a store that lasts."""
    return str(request.param).format(tmp_path)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed(store: str, workers: str) -> None:
    """Killed under load, a server has every event that it acknowledged, and each once."""

    def post(mock: MockMixpanel, number: int) -> list[int]:
        """Send until there is no answer; the numbers acknowledged."""
        said: list[int] = []
        with requests.Session() as session:
            session.trust_env = False
            for n in range(number, 1_000_000, 4):
                record = event(mock, n=n, **{"$insert_id": f"id-{n}"})
                try:
                    answer = session.post(f"{mock.url}/track", json=record, timeout=30)
                except (requests.ConnectionError, ChunkedEncodingError):  # none, or not all of one
                    return said
                assert answer.content == b"1"
                said.append(n)
                if n == number + 400:
                    kill_all(process)
        raise AssertionError("the server was never killed")

    arguments = ("--port", "0", "--store", store, "--workers", workers)
    with serving(*arguments) as process, ThreadPoolExecutor(4) as pool:
        mock = MockMixpanel(urls(process, 1)["us"], "T")
        acknowledged = {n for said in pool.map(lambda n: post(mock, n), range(4)) for n in said}
        mock.close()
    with serving(*arguments) as process:
        mock = MockMixpanel(urls(process, 1)["us"], "T")
        kept = [item["properties"]["n"] for item in mock.events(raw=True)]
        mock.close()
    assert len(set(kept)) == len(kept)
    assert acknowledged - set(kept) == set()
    assert len(acknowledged) > 100


def test_everything_lasts(store: str) -> None:
    """A server that starts again on a store goes on where the last one was."""
    states: list[dict[str, Any]] = []
    for run in range(2):
        with closing(open_store(store)) as opened:
            backend = Backend(Config(projects=(Project("T", alias_delay=3.0),)), opened)
            client = create_app(backend=backend).test_client()
            if run == 0:
                client.post("/_mock/clock", json={"now": NOW, "freeze": True})
                client.put("/_mock/projects/T", json={"secret": "s", "limits": {"records": 7}})
                rule = {"match": {"path": "/track", "nth": 3}, "action": {"status": 503}}
                client.post("/_mock/faults", json=rule)
                record = {"event": "A", "properties": {"token": "T", "distinct_id": "ann"}}
                assert client.post("/track", json=record).data == b"1"
                client.post(
                    "/engage", json={"$token": "T", "$distinct_id": "ann", "$set": {"a": 1}}
                )
            lists = ["clock", "projects/T", "faults", "requests", "events", "profiles"]
            states.append({name: client.get(f"/_mock/{name}").json for name in lists})
    assert states[0] == states[1]
    assert [rule["seen"] for rule in states[1]["faults"]] == [1]


def test_a_limit_on_the_log() -> None:
    """With --keep the oldest requests go, with all they did, and at least the newest stays."""
    with serving("--port", "0", "--keep", "100") as process:
        mock = MockMixpanel(urls(process, 1)["us"], "T")
        for n in range(6):
            send(mock, "/track", [event(mock, f"E{n}")] * 40)
        assert names(mock) == ["E4"] * 40 + ["E5"] * 40
        send(mock, "/track", [event(mock, "Many")] * 200)
        assert names(mock) == ["Many"] * 200
        mock.close()
