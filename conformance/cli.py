"""The command line: `mixpanel-conformance` and `python -m conformance`.

A command is imported only when it is used: `run` does not load what `diff` needs.
"""

import click

from conformance.lazy_group import LazyCommand, LazyGroup

SCENARIOS = "Check a translator with scenarios"
CHANGES = "Check a change with your messages"
REFERENCE = "Print reference pages"

COMMANDS = {
    "run": LazyCommand(
        "conformance.runner.command:run", "Replay scenarios and recordings.", SCENARIOS
    ),
    "list": LazyCommand("conformance.commands:list_scenarios", "List the scenarios.", SCENARIOS),
    "captures": LazyCommand(
        "conformance.commands:captures", "Replay the recordings only.", SCENARIOS
    ),
    "coverage": LazyCommand(
        "conformance.commands:coverage", "Count the scenarios of each setting.", SCENARIOS
    ),
    "compare": LazyCommand(
        "conformance.reports.compare_command:compare",
        "Show what changed between two runs.",
        SCENARIOS,
    ),
    "parity": LazyCommand(
        "conformance.parity.command:parity", "Compare the mock with another Mixpanel.", SCENARIOS
    ),
    "diff": LazyCommand(
        "conformance.regression.command:diff", "Compare the requests of two translators.", CHANGES
    ),
    "migrate": LazyCommand(
        "conformance.migration.command:migrate",
        "Compare what Mixpanel holds after two translators.",
        CHANGES,
    ),
    "corpus": LazyCommand(
        "conformance.corpus.command:corpus", "Generate, import and redact messages.", CHANGES
    ),
    "decisions": LazyCommand(
        "conformance.commands:decisions", "Print this project's decisions.", REFERENCE
    ),
    "envelope": LazyCommand(
        "conformance.commands:envelope", "Print the fields that outcomes do not compare.", REFERENCE
    ),
    "schema": LazyCommand(
        "conformance.commands:schema", "Print the keys of a scenario file.", REFERENCE
    ),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mockpanel")
def main() -> None:
    """Replay documented scenarios against a Segment to Mixpanel translator."""
