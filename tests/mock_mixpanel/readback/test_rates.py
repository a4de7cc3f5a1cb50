"""Readers that ask too often are told when to come back, for projects that want it."""

import pytest

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.readback.reading import export, get
from tests.mock_mixpanel.wire import NOW, send, update


@pytest.fixture(autouse=True)
def _frozen(mock_mixpanel: MockMixpanel) -> None:
    mock_mixpanel.freeze(NOW)


def engage(mock: MockMixpanel) -> tuple[int, str | None]:
    answer = get(mock, "/api/2.0/engage")
    return answer.status_code, answer.headers.get("Retry-After")


def test_queries(mock_mixpanel: MockMixpanel) -> None:
    """More queries than an hour may have are a 429 that says why, until the first is that old."""
    mock_mixpanel.project(limits={"hourly_queries": 2})
    send(mock_mixpanel, "/engage", update(mock_mixpanel, set={"a": 1}))
    found = []
    for seconds in (0, 600, 1, 2998, 1, 0):
        mock_mixpanel.advance(seconds)
        found.append(engage(mock_mixpanel))
    refused = [(429, "2999"), (429, "1")]
    assert found == [(200, None), (200, None), *refused, (200, None), (429, "600")]
    said = get(mock_mixpanel, "/api/2.0/engage").json()["error"]
    assert said.startswith(f"Query rate limit exceeded for project_id: {mock_mixpanel.token}. ")
    assert "3/2 queries running in the last hour" in said


def test_exports(mock_mixpanel: MockMixpanel) -> None:
    """Exports have a limit for a second and one for an hour, and queries do not count for it."""
    mock_mixpanel.project(limits={"hourly_exports": 3, "exports_a_second": 2})
    found = []
    for seconds in (0, 0, 0, 1, 1, 3598):
        mock_mixpanel.advance(seconds)
        answer = export(mock_mixpanel)
        found.append((answer.status_code, answer.headers.get("Retry-After")))
    refused = [(429, "1"), (200, None), (429, "3598")]
    assert found == [(200, None), (200, None), *refused, (200, None)]
    assert engage(mock_mixpanel) == (200, None)


def test_what_is_refused_does_not_count(mock_mixpanel: MockMixpanel) -> None:
    """Nor does what is not for the project; a reset forgets all that was asked."""
    mock_mixpanel.project(limits={"hourly_queries": 1})
    assert [engage(mock_mixpanel)[0] for _ in range(3)] == [200, 429, 429]
    mock_mixpanel.advance(3600)
    assert engage(mock_mixpanel)[0] == 200
    mock_mixpanel.reset()
    mock_mixpanel.project(limits={"hourly_queries": 0})
    assert engage(mock_mixpanel) == (429, "3600")
    mock_mixpanel.project(limits={"hourly_queries": None})
    assert engage(mock_mixpanel)[0] == 200
