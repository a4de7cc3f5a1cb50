"""The description of the HTTP interface has all that is served, and nothing else."""

import re
from pathlib import Path

from click.testing import CliRunner

from mock_mixpanel.app import create_app
from mock_mixpanel.cli import main
from mock_mixpanel.control import openapi

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


def test_the_page_is_current() -> None:
    """docs/reference/api.md is what `python -m mock_mixpanel api` prints."""
    assert PAGE.read_text(encoding="utf-8") == CliRunner().invoke(main, ["api"]).output


def test_the_options_of_projects() -> None:
    """The description knows the options that a project has, and no others."""
    shown = create_app().test_client().get("/_mock/projects/T").json or {}
    known = openapi.document()["components"]["schemas"]["ProjectOptions"]["properties"]
    assert set(shown) == set(known) | {"token"}
