"""The token that all records of a request have in common."""

from typing import Any

import pytest

from mock_mixpanel.ingest.tokens import shared_token

TOKENS: list[tuple[list[Any], str]] = [
    ([{"properties": {"token": "T"}}, {"properties": {"token": "T"}}], "T"),
    ([{"properties": {"token": "T"}}, {"properties": {"token": "U"}}], ""),
    ([{"properties": {"token": "T"}}, {"properties": {}}], ""),
    ([{"properties": {"token": "T"}}, {"properties": "token"}], ""),
    ([{"properties": {"token": "T"}}, {"properties": ["token"]}], ""),
    ([{"properties": {"token": "T"}}, {"properties": None}], ""),
    ([{"properties": {"token": "T"}}, {}], ""),
    ([{"properties": {"token": 5}}, {"properties": {"token": 5}}], ""),
    ([{"properties": {"token": None}}], ""),
    ([{"properties": {"token": ""}}], ""),
]


@pytest.mark.parametrize(("records", "token"), TOKENS)
def test_shared_token(records: list[Any], token: str) -> None:
    """The token that all records have is found, and none if one of them has another or none."""
    assert shared_token(records) == token
