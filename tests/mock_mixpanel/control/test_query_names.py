"""Names in the query of a `/_mock` call."""

import pytest
import requests

from mock_mixpanel.client import MockMixpanel


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("events?tokn=T", "tokn: unknown in the query; did you mean 'token'?"),
        ("requests?token=T&limt=1", "limt: unknown in the query; did you mean 'limit'?"),
        ("health?x=1", "x: unknown in the query; known: none"),
        ("requests/1?token=T", "token: unknown in the query; known: none"),
    ],
)
def test_a_name_that_a_call_does_not_have(
    mock_mixpanel: MockMixpanel, path: str, error: str
) -> None:
    """A misspelled filter is refused: ignored, it would show the data of all projects."""
    answer = requests.get(f"{mock_mixpanel.url}/_mock/{path}", timeout=30)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_known_names(mock_mixpanel: MockMixpanel) -> None:
    """Every name of the description is taken."""
    answer = requests.get(f"{mock_mixpanel.url}/_mock/events?token=T&limit=1&since=0", timeout=30)
    assert (answer.status_code, answer.json()) == (200, [])
