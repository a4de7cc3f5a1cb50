"""Random hostile requests: no 500, no hang; the generator of `fuzz.py` at a size for every run."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from mock_mixpanel import Server
from tests.mock_mixpanel.postgresql import running
from tests.mock_mixpanel.serving.fuzz import Fuzzer, FuzzError, run
from tests.mock_mixpanel.serving.test_serve_command import serving, urls
from tests.mock_mixpanel.wire import http
from tests.thorough import times

EVENT = {"event": "After", "properties": {"token": "after"}}


@pytest.mark.parametrize("seed", range(1, 1 + times(2, 12)))
def test_one_process(seed: int, capfd: pytest.CaptureFixture[str]) -> None:
    """A server answers whatever comes and then still works; it reports no error of its own."""
    with Server() as server:
        statuses = run(server.url, 600, seed)
        assert http("POST", f"{server.url}/track", json=EVENT).content == b"1"
        assert len(http("GET", f"{server.url}/_mock/events?token=after").json()) == 1
    assert {200, 400, 403, 404, 501} <= set(statuses)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", ["folder", "sqlite", "postgresql"])
def test_two_workers(kind: str, tmp_path: Path) -> None:
    """Two workers with a shared store answer whatever comes and then still work."""
    stores = {"folder": f"folder:{tmp_path}/log", "sqlite": f"sqlite:///{tmp_path}/log.db"}
    with ExitStack() as stack:
        store = stores.get(kind) or stack.enter_context(running(tmp_path))
        arguments = ("--port", "0", "--workers", "2", "--store", store)
        base = urls(stack.enter_context(serving(*arguments)), 1)["us"]
        statuses = run(base, 400, seed=4)
        assert http("POST", f"{base}/track", json=EVENT).content == b"1"
        assert len(http("GET", f"{base}/_mock/events?token=after").json()) == 1
    assert {200, 400, 403, 404, 501} <= set(statuses)


def test_same_seed() -> None:
    """The same seed makes the same requests, so that a failure can be repeated."""
    first, again = (list(Fuzzer(7).requests(20)) for _ in range(2))
    without_times = [request.sent.partition(b"\r\n\r\n")[0] for request in first]
    assert len(set(without_times)) > 15
    assert [request.method for request in first] == [request.method for request in again]


def test_a_500_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock that fails on a certain input is caught."""
    with Server() as server:
        monkeypatch.setattr(server.backend.projections, "findings", lambda: 1 // 0)
        with pytest.raises(FuzzError, match="500 after"):
            run(server.url, 600, seed=1)
