"""The form of a scenario, as a page."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from conformance.runner.mock import Mock
from conformance.runner.outcomes import Verdict
from conformance.runner.run import run_scenario
from conformance.spec.data import read
from conformance.spec.scenarios.loading import parse_scenarios
from conformance.spec.scenarios.schema_page import EXAMPLE, page
from conformance.targets.builtin import Builtin

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "scenarios.md"


def test_the_page_is_current() -> None:
    """docs/reference/scenarios.md is what `python -m conformance schema` prints."""
    assert page() == PAGE.read_text(encoding="utf-8")


def test_the_example_passes(mock: Mock) -> None:
    """The example on the page is a scenario that our own translator conforms to."""
    text = read("spec", EXAMPLE)
    (scenario,) = parse_scenarios(text, "checkout/visitor-becomes-customer.yaml", own=True)
    outcome = run_scenario(scenario, Builtin(), mock)
    assert outcome.verdict is Verdict.PASS, outcome.text()


def test_every_key_is_explained() -> None:
    """No row of the table lacks a meaning."""
    rows = [line.split(" | ") for line in page().splitlines() if line.startswith("| `")]
    silent = {row[0].strip("| `") for row in rows if not row[-1].strip("| ")}
    assert silent == set()


def test_the_schema_is_valid() -> None:
    """The form of a scenario is itself of the form of a JSON schema, which no run checks again."""
    Draft202012Validator.check_schema(json.loads(read("spec", "scenario.schema.json")))
