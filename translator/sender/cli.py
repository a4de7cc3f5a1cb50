"""The command line of delivery: `send`."""

import sys
from pathlib import Path

import click

from translator.bulk import lines, translate_line
from translator.options import (
    RULE_SETS,
    base_url_option,
    eu_base_url_option,
    input_argument,
    live_option,
    mapping_option,
    moment,
    now_option,
    opened,
    read_mapping,
    read_settings,
    rules_option,
    settings_option,
)
from translator.plan import plan_for
from translator.sender.command import run_send
from translator.sender.deliver import Sender
from translator.sender.live import base_urls


@click.command()
@settings_option
@rules_option
@mapping_option
@now_option
@base_url_option
@eu_base_url_option
@live_option
@input_argument
def send(
    settings_file: Path,
    rule_set: str,
    mapping_file: Path | None,
    now_text: str | None,
    base_url: str | None,
    eu_base_url: str | None,
    live: bool,
    file: str | None,
) -> None:
    """Translate Segment messages, one JSON object a line, and deliver them.

    Prints one JSON object that accounts for every message, and each loss on the error stream.
    Exit status: 0 if nothing was lost, 1 if something was, 2 for wrong usage.
    """
    settings = read_settings(settings_file)
    now_ms = moment(now_text)
    plan = plan_for(settings, RULE_SETS[rule_set](), read_mapping(mapping_file))
    sender = Sender(base_urls(base_url, eu_base_url), settings.apiSecret or None, live=live)
    with opened(file) as source, sender:
        status = run_send(
            lines(source),
            lambda line: translate_line(line, plan, now_ms),
            sender,
            plan.host,
            out=sys.stdout,
            err=sys.stderr,
            progress=sys.stderr.isatty(),
        )
    sys.exit(status)
