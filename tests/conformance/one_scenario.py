"""A scenario from text, for tests."""

from conformance.spec.scenarios.loading import Scenario, parse_scenarios


def parse_one(text: str, path: str) -> Scenario:
    """The only scenario in the text of a file at `path`."""
    (scenario,) = parse_scenarios(text, path)
    return scenario
