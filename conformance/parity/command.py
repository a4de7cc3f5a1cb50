"""The command `parity`."""

import json
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from conformance.command_errors import exits_on_errors
from conformance.errors import EXIT_CONFORMANT, EXIT_FAILURES, EngineError, UsageError
from conformance.parity.access import ProjectAccess
from conformance.parity.observation import NO_DELAYS, Delays, Run, observe
from conformance.parity.probe import MODES, Probe, load_probes
from conformance.parity.reference import observe_mock
from conformance.parity.result import ProbeResult, as_json, judged, mark_unread, missing
from conformance.parity.service import LIVE, Service
from conformance.parity.text import text
from conformance.regression.report.result import plural
from conformance.spec.scenarios.keyword import matcher
from translator.sender.http.destination_guard import (
    DestinationError,
    allowed_hosts,
    checked_base_url,
)

wait = time.sleep
"""The function that waits; tests replace it."""

LIVE_DELAYS = Delays(wait, between_rounds=10, before_reading=180)
"""For the real Mixpanel: links and events take up to a minute
(docs/facts/mixpanel-http-api.md#propagation-and-split-profiles)."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--against", metavar="URL", help="Base URL of the other Mixpanel, for ingestion and queries."
)
@click.option(
    "--live",
    is_flag=True,
    help="Use the real Mixpanel, or allow a URL on another machine.",
)
@click.option(
    "--allow-host",
    "allowed_names",
    multiple=True,
    metavar="NAME",
    help="Allow this host name in --against, such as mock in a compose network. May be repeated.",
)
@click.option(
    "--token", required=True, metavar="TOKEN", help="Token of a project that is for tests only."
)
@click.option("--secret", help="Secret of the project; imports and reading need it.")
@click.option(
    "--service-account",
    "account",
    metavar="USER:SECRET",
    help="Service account, instead of --secret.",
)
@click.option("--project-id", help="Id of the project; service accounts and groups need it.")
@click.option(
    "--identity",
    type=click.Choice(MODES),
    default="simplified",
    show_default=True,
    help="Identity system of the project.",
)
@click.option("--group-key", help="A group key of the project; without it groups are not tried.")
@click.option(
    "--region",
    type=click.Choice(["us", "eu", "in"]),
    default="us",
    show_default=True,
    help="Region of the project.",
)
@click.option("-k", "keyword", metavar="EXPR", help="Only probes whose id or text matches.")
@click.option(
    "--pause",
    "pause_seconds",
    type=click.FloatRange(min=0),
    help="Seconds to wait between the requests of a probe.  [default: 10 with --live, else 0]",
)
@click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(min=0),
    help="Seconds to wait before reading.  [default: 180 with --live, else 0]",
)
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write parity.json, without credentials, into this folder.",
)
@click.option("--yes", is_flag=True, help="Do not ask before sending.")
@exits_on_errors
def parity(
    against: str | None,
    live: bool,
    allowed_names: tuple[str, ...],
    token: str,
    secret: str | None,
    account: str | None,
    project_id: str | None,
    identity: str,
    group_key: str | None,
    region: str,
    keyword: str | None,
    pause_seconds: float | None,
    wait_seconds: float | None,
    report: Path | None,
    yes: bool,
) -> None:
    """Compare the mock with another Mixpanel.

    Sends probes to the other Mixpanel and to a fresh mock, reads both, and shows for which
    probes the results are the same, for which they differ, and which probes were not tried. It
    writes test data into the project of the token, and does not delete it.

    Exit status: 0 if nothing differs, 1 if a result differs, 2 for wrong usage, 3 if no probe could
    be tried.
    """
    base_urls = _base_urls(against, region, allowed_names, live=live)
    access = ProjectAccess(token, secret, account, project_id, identity, group_key, region)
    _check(access)
    probes = _selected(keyword)
    reasons = {probe.id: missing(probe, access) for probe in probes}
    tried = [probe for probe in probes if not reasons[probe.id]]
    file = _opened(report) if report else None
    _confirm(tried, base_urls["ingestion"], access, yes=yes)
    run = Run(f"mp{secrets.token_hex(4)}", int(time.time()))
    default = LIVE_DELAYS if live else NO_DELAYS
    delays = Delays(
        wait,
        default.between_rounds if pause_seconds is None else pause_seconds,
        default.before_reading if wait_seconds is None else wait_seconds,
    )
    results = _results(probes, reasons, base_urls, access, run, delays)
    if file:
        about: dict[str, Any] = {
            "against": against or "live",
            "region": region,
            "identity": identity,
        }
        about |= {"prefix": run.prefix, "now": run.now}
        file.write_text(json.dumps(as_json(results, access, about), indent=2) + "\n")
    click.echo(text(results, access))
    if all(each.status == "not tried" for each in results):
        raise EngineError("no probe could be tried; the table has the reasons")
    differs = any(each.status == "differs" for each in results)
    sys.exit(EXIT_FAILURES if differs else EXIT_CONFORMANT)


def _base_urls(
    against: str | None, region: str, allowed_names: Sequence[str], *, live: bool
) -> dict[str, str]:
    """The addresses of the other Mixpanel. Raises UsageError for one that is not allowed."""
    try:
        allowed = allowed_hosts(allowed_names)
    except DestinationError as error:
        raise UsageError(f"--allow-host: {error}") from error
    if against is None:
        if not live:
            raise UsageError("give --against URL, or --live for the real Mixpanel")
        return LIVE[region]
    try:
        url = checked_base_url(against, live=live, allowed=allowed)
    except DestinationError as error:
        raise UsageError(f"--against: {error}") from error
    return dict.fromkeys(LIVE[region], url)


def _check(access: ProjectAccess) -> None:
    if access.account is not None and (":" not in access.account or not access.project_id):
        raise UsageError("--service-account must be USER:SECRET, and needs --project-id")
    if not access.token:
        raise UsageError("--token must not be empty")


def _selected(keyword: str | None) -> list[Probe]:
    matches = matcher(keyword) if keyword else lambda _: True
    probes = [probe for probe in load_probes() if matches(f"{probe.id} {probe.about}")]
    if not probes:
        raise UsageError(f"-k {keyword!r}: no probe matches")
    return probes


def _opened(folder: Path) -> Path:
    """The file of the report, made before anything is sent; only its owner may read it."""
    file = folder / "parity.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.chmod(0o600)
    except OSError as error:
        raise UsageError(f"--report {folder}: {error}") from error
    return file


def _confirm(probes: list[Probe], url: str, access: ProjectAccess, *, yes: bool) -> None:
    """Say what will be sent, and ask. Raises UsageError if the answer is not yes."""
    requests = sum(len(probe.send) for probe in probes)
    records = sum(probe.records for probe in probes)
    beginning = access.token[: min(4, len(access.token) // 2)]
    click.echo(
        f"{plural(len(probes), 'probe')} will send {plural(requests, 'request')} with"
        f" {plural(records, 'record')} to {url}, into the project whose token begins with"
        f" {beginning!r}. The records stay there: use a project that you can throw away.",
        err=True,
    )
    if yes:
        return
    try:
        agreed = click.confirm("Send them?", err=True)
    except click.Abort:
        agreed = False
    if not agreed:
        raise UsageError("nothing was sent: answer y to the question, or give --yes")


def _results(
    probes: list[Probe],
    reasons: dict[str, str | None],
    base_urls: dict[str, str],
    access: ProjectAccess,
    run: Run,
    delays: Delays,
) -> list[ProbeResult]:
    """Send the probes to the other Mixpanel, then to a fresh mock, and compare."""
    tried = [probe for probe in probes if not reasons[probe.id]]
    service = Service(base_urls, access)
    try:
        others = observe(service, tried, run, delays)
    finally:
        service.close()
    mocks = observe_mock(tried, access, run)
    if delays.before_reading:
        mark_unread(mocks, others)
    return [
        ProbeResult(probe, "not tried", reason=reason)
        if (reason := reasons[probe.id])
        else judged(probe, mocks[probe.id], others[probe.id])
        for probe in probes
    ]
