"""Whatever a reader sends, it gets an answer, and never a failure of the server's own."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.projects.config import Project
from mock_mixpanel.readback import routes

TARGETS = [
    (method, route.path.replace("<", "").replace(">", ""))
    for route in routes()
    for method in route.methods.split()
]
PAGING = ["page", "page_size", "session_id", "limit"]
SELECTING = ["from_date", "to_date", "event", "where", "distinct_ids", "output_properties"]
NAMES = st.sampled_from([*PAGING, *SELECTING, "token", "project_id", "data_group_id"])
TOKENS = """
    properties["n"] user["n"] == in and not ( ) [ ] - % 1e308 datetime floor string "a" ' true ,
"""
EXPRESSIONS = st.lists(st.sampled_from([*TOKENS.split(), "\ud83d", "9" * 400]), max_size=8).map(
    " ".join
)
VALUES = st.one_of(
    st.text(max_size=12),
    EXPRESSIONS,
    st.sampled_from(["2026-06-15", "0", "1", "[]", '["a"]', "{}", "null", "-1", "9" * 5000]),
)
NESTED = b'{"distinct_ids":' + b"[" * 900 + b"]" * 900 + b"}"
BODIES = st.one_of(
    st.binary(max_size=40), st.sampled_from([b"{}", b"[[", b'{"page": 1e400}', NESTED])
)


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    backend = Backend()
    backend.projects.put(Project("T", gdpr_delay=0))
    client = create_app(backend=backend).test_client()
    properties: dict[str, Any] = {"token": "T", "distinct_id": "a", "n": 10**400, "l": [1, "a"]}
    client.post("/track", json={"event": "E", "properties": properties})
    client.post("/engage", json={"$token": "T", "$distinct_id": "a", "$set": {"n": 1e308}})
    return client


@given(
    target=st.sampled_from(TARGETS),
    query=st.dictionaries(NAMES, VALUES, max_size=4),
    body=BODIES,
    authorization=st.one_of(
        st.just("Basic VDo="),
        st.text("Basic e=:", max_size=12),
        st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=6).map(
            "Basic ".__add__
        ),
    ),
)
def test_no_failure(
    client: FlaskClient,
    target: tuple[str, str],
    query: dict[str, str],
    body: bytes,
    authorization: str,
) -> None:
    """No mix of parameters, body and credential is answered with a 500."""
    method, path = target
    days = {"from_date": "2026-06-15", "to_date": "2026-06-15"}
    usable = {name: value.encode(errors="replace").decode() for name, value in query.items()}
    answer = client.open(
        path,
        method=method,
        query_string=days | usable,
        data=body,
        headers={"Authorization": authorization},
    )
    assert answer.status_code in (200, 201, 204, 400, 401, 404, 405, 413, 501)
