"""The command line: `mixpanel-conformance` and `python -m conformance`.

A command is imported only when it is used: `run` does not load what `diff` needs.
"""

import click

from conformance.lazy_group import LazyCommand, LazyGroup

COMMANDS = {
    "run": LazyCommand("conformance.runner.command:run", "Replay scenarios against a translator."),
    "list": LazyCommand("conformance.commands:list_scenarios", "List the scenarios."),
    "captures": LazyCommand("conformance.commands:captures", "Replay the recordings only."),
    "coverage": LazyCommand("conformance.commands:coverage", "Show what the scenarios cover."),
    "compare": LazyCommand(
        "conformance.reports.compare_command:compare", "Show what changed between two runs."
    ),
    "diff": LazyCommand(
        "conformance.regression.command:diff", "Show what a change does to a corpus."
    ),
    "migrate": LazyCommand(
        "conformance.migration.command:migrate", "Show what another translator changes in Mixpanel."
    ),
    "parity": LazyCommand(
        "conformance.parity.command:parity", "Compare the mock with another Mixpanel."
    ),
    "corpus": LazyCommand("conformance.corpus.command:corpus", "Make, redact and inspect corpora."),
    "decisions": LazyCommand("conformance.commands:decisions", "Print the project's decisions."),
    "envelope": LazyCommand(
        "conformance.commands:envelope", "Print the fields that outcomes do not compare."
    ),
    "schema": LazyCommand("conformance.commands:schema", "Print the form of a scenario."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mockpanel")
def main() -> None:
    """Replay documented scenarios against a Segment to Mixpanel translator."""
