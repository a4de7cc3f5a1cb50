"""The description of the HTTP interface has all that is served, and nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from mock_mixpanel.app import create_app
from mock_mixpanel.cli import main
from mock_mixpanel.control import openapi
from mock_mixpanel.projects.config import ConfigError, Project

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "api.md"
PAGES = "/_mock/ui"
"""The pages for people, which are not part of the API."""
CATCH_ALL = {"/_mock/", "/_mock/{}"}


def test_it_is_served() -> None:
    """The mock serves the description under its own API."""
    assert openapi.document() == create_app().test_client().get("/_mock/openapi.json").json


def test_it_has_every_route_and_no_other() -> None:
    """Each path and method that is served is described, and none that is not."""
    described = {(method, re.sub("{.*?}", "{}", path)) for method, path, _ in openapi.operations()}
    routes = set()
    for rule in create_app().url_map.iter_rules():
        path = re.sub("<.*?>", "{}", rule.rule)
        if path not in CATCH_ALL and not path.startswith(PAGES):
            routes |= {(method, path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    assert described == routes


def test_forbidden_is_described_where_it_is_answered() -> None:
    """Exactly the operations that answer 403 to an untrusted Host name describe this response."""
    client, wrong = create_app().test_client(), []
    for method, path, operation in openapi.operations():
        url = re.sub("{.*?}", "1", path)
        answer = client.open(url, method=method, headers={"Host": "evil.example.com"})
        if (answer.status_code == 403) != ("403" in operation["responses"]):
            wrong.append((method, path, answer.status_code))
    assert wrong == []


def test_the_page_is_current() -> None:
    """docs/reference/api.md is what `python -m mock_mixpanel api` prints."""
    assert PAGE.read_text(encoding="utf-8") == CliRunner().invoke(main, ["api"]).output


def test_the_options_of_projects() -> None:
    """The description knows the options that a project has, and no others."""
    shown = create_app().test_client().get("/_mock/projects/T").json or {}
    known = openapi.document()["components"]["schemas"]["ProjectOptions"]["properties"]
    assert set(shown) == set(known) | {"token"}


VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2.5, 10**9, 10**9 + 1, 10**13, "", "x", "us", "mars", "legacy"),
    *([], ["x"], [""], [1], [None], {}, {"x": 1}, [{}], [{"x": 1}]),
    *([{"username": "u", "secret": "s"}], [{"username": "u"}], [{"username": "", "secret": "s"}]),
    *([{"username": "u", "secret": "s", "more": "x"}], [{"id": "i", "name": "n"}], [{"id": "i"}]),
    *([{"id": 1, "name": "n"}], [{"event": "E"}], [{"event": ""}], [{"event": None}], [{"x": "y"}]),
    *([{"id": 1, "name": "n", "where": "true"}], [{"id": 0, "name": "n", "where": "true"}]),
    *([{"id": 1, "name": "n", "steps": ["A"]}], [{"id": 1, "name": "n", "steps": []}]),
    *([{"id": 1, "name": "n", "steps": ["A"], "days": 91}], [{"id": 1, "name": "n", "steps": "A"}]),
    *([{"id": 1, "date": "2026-06-15 12:00:00", "description": "d"}],),
    *([{"id": 1, "date": "2026-06-15", "description": "d"}], [{"id": 1, "date": 1}]),
    *([{"property": "p", "value": 1}], [{"property": "p", "value": []}], [{"value": 1}]),
    *([{"key": "f", "ruleset": {"variants": [{"key": "on", "value": True}]}}], [{"key": "f"}]),
    *([{"key": "", "ruleset": {"variants": [{"key": "on", "value": 1}]}}],),
    *([{"key": "f", "ruleset": {"variants": []}}], [{"key": "f", "ruleset": {}}]),
    *([{"key": "f", "ruleset": {"variants": [{"key": "on", "value": 1, "split": 2}]}}],),
    *([{"event": "E", "value": 1}], [{"event": "E", "property": "p", "value": True}]),
    *({"records": 1}, {"records": None}, {"records": "1"}, {"records": -1}, {"records": 10**13}),
    *(
        {"compaction": None},
        {"json_depth": 5},
        {"nonsense": 5},
        {"records": True},
        {"records": 1.5},
    ),
)
OPTIONS = sorted(openapi.document()["components"]["schemas"]["ProjectOptions"]["properties"])


def is_accepted(name: str, value: Any) -> bool:
    try:
        Project("T").changed({name: value})
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize("name", OPTIONS)
def test_the_values_of_options(name: str) -> None:
    """The description and the server accept the same values of each option."""
    document = openapi.document()
    options = {"$ref": "#/components/schemas/ProjectOptions"}
    validator = Draft202012Validator({**document, **options})
    described = [value for value in VALUES if validator.is_valid({name: value})]
    assert described == [value for value in VALUES if is_accepted(name, value)]
    assert 0 < len(described) < len(VALUES)
