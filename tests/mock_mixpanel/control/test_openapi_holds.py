"""Every response conforms to the description of the HTTP interface, whatever is sent."""

import json
from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Any

import pytest
from flask import Flask
from hypothesis import settings

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import Backend
from mock_mixpanel.control import openapi
from mock_mixpanel.projects.config import LookupTable, Project
from tests.clients.needs import python_client
from tests.thorough import THOROUGH, times

schemathesis = python_client("schemathesis")
meta = python_client("schemathesis.generation.meta")
builder = python_client("schemathesis.generation.hypothesis.builder")
checks = python_client("schemathesis.specs.openapi.checks")
validation = python_client("openapi_spec_validator")


class Served:
    """A WSGI application that can be replaced: each operation starts with a small backend."""

    app: Flask

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)


served = Served()


@pytest.fixture(autouse=True)
def backend() -> None:
    served.app = small_backend()


def small_backend() -> Flask:
    """A mock in which every list has something."""
    backend = Backend()
    backend.projects.put(Project("T", lookup_tables=(LookupTable("t-1", "songs"),)))
    backend.projects.put(Project("E", region="eu"))
    app = create_app(backend=backend)
    client = app.test_client()
    event = {"event": "E", "properties": {"token": "T", "distinct_id": "a"}}
    link = {"token": "T", "distinct_id": "a", "alias": "b"}
    alias = {"event": "$create_alias", "properties": link}
    leak = {"event": "E", "properties": {"token": "E"}}
    assert client.post("/track", json=[event, alias, {}, leak]).data == b"1"
    person = {"$token": "T", "$distinct_id": "a", "$set": {"n": 1}}
    assert client.post("/engage", json=person).data == b"1"
    group = {"$token": "T", "$group_key": "company", "$group_id": "x", "$set": {"n": 1}}
    assert client.post("/groups", json=group).data == b"1"
    # It never acts: whatever is a text in these modules is sent as a token sooner or later.
    fault = {"match": {"token": "nobody", "nth": 10**9}, "action": {"status": 503}}
    assert client.post("/_mock/faults", json=fault).status_code == 200
    return app


@cache
def described() -> Any:
    """The description, as the library reads it."""
    return schemathesis.openapi.from_wsgi("/_mock/openapi.json", served)


def as_text(_context: Any, value: Any) -> bytes:
    """Bodies of types that the library cannot write."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode(errors="replace")


schemathesis.serializer("application/x-ndjson", "text/csv")(as_text)


def answered(case: Any) -> None:
    """No request is answered by a failure, or otherwise than its description says."""
    answer = case.call()
    assert answer.status_code != 500
    case.validate_response(
        answer,
        checks=[
            checks.status_code_conformance,
            checks.content_type_conformance,
            checks.response_schema_conformance,
        ],
    )


OPERATIONS = [f"{method} {path}" for method, path, _ in openapi.operations()]
Mode = builder.HypothesisTestMode
SHARE = times(3, 1)
"""A usual run sends one of so many of the requests that vary one part."""


def modes(operation: str) -> list[Any]:
    """What is sent to an operation: examples, each part with each fault, and random requests.

    A report has the same handler under two bases. Under the older one, a usual run leaves out the
    thousands of requests that vary one part.
    """
    newer = operation.replace("/api/2.0/", "/api/query/")
    again = newer != operation and newer in OPERATIONS and not THOROUGH
    return [Mode.EXAMPLES, Mode.FUZZING] if again else list(Mode)


def share(check: Callable[[Any], None]) -> Callable[[Any], None]:
    """Check one of `SHARE` requests that vary one part, and every other request."""
    numbers = count()

    def checked(case: Any) -> None:
        varied = case.meta.phase.name == meta.TestPhase.COVERAGE
        if not varied or next(numbers) % SHARE == 0:
            check(case)

    return checked


@pytest.mark.parametrize("operation", OPERATIONS)
def test_whatever_is_sent(operation: str) -> None:
    """No request to an operation fails, and each answer is as the description says.

    The requests are made here and not by `schema.parametrize()`, which makes those of all
    operations when the tests are collected: that takes seconds in each process.
    """
    method, path = operation.split()
    config = builder.HypothesisTestConfig(
        project=described().config,
        modes=modes(operation),
        settings=settings(max_examples=times(4, 50)),
    )
    check = builder.create_test(
        operation=described()[path][method], test_func=share(answered), config=config
    )
    check()


def test_it_is_openapi() -> None:
    """The description follows the OpenAPI specification."""
    validation.validate(openapi.document())


def test_the_lists_have_something() -> None:
    """The small backend has something in each list, or the checks above would check nothing."""
    client = served.app.test_client()
    for method, path, _ in openapi.operations():
        if method == "GET" and path.startswith("/_mock/") and "{" not in path:
            assert client.get(path).json, path
