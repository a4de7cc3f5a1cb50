"""The command line: `python -m mock_mixpanel`, or `mock-mixpanel`."""

import re
import signal
import threading
import webbrowser
from contextlib import ExitStack
from errno import EADDRINUSE
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from mock_mixpanel import __version__
from mock_mixpanel.control.openapi import page
from mock_mixpanel.garbage_collection import in_own_process
from mock_mixpanel.log.stores import StoreError, open_store
from mock_mixpanel.projects.config import Config, ConfigError, Project, read_projects_file
from mock_mixpanel.serving.guard import PAGES, TOKEN_PARAMETER, Access
from mock_mixpanel.serving.server import Server
from mock_mixpanel.serving.tls import Certificate, TlsError, make
from mock_mixpanel.serving.workers import Workers, WorkersError, WorkerSettings, preload

PORT = click.IntRange(0, 65535)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SHORTEST_RETENTION = 60
"""Seconds."""


class Duration(click.ParamType[float]):
    """A number with a unit, such as `12h`, as seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The seconds of a text."""
        found = re.fullmatch(r"(\d{1,9})([smhd])", str(value).strip())
        if not found:
            self.fail(f"{value!r} is not a duration; write 12h or 30d (s, m, h, d)", param, ctx)
        seconds = int(found[1]) * SECONDS[found[2]]
        if seconds < SHORTEST_RETENTION:
            self.fail(f"{value!r} is shorter than {SHORTEST_RETENTION}s", param, ctx)
        return float(seconds)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mock-mixpanel")
def main() -> None:
    """Run a local Mixpanel."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=PORT,
    default=8080,
    show_default=True,
    help="Port of the US region; 0: a free port.",
)
@click.option(
    "--eu-port", type=PORT, help="Port of the EU region; 0: a free port.  [default: none]"
)
@click.option(
    "--in-port", type=PORT, help="Port of the India region; 0: a free port.  [default: none]"
)
@click.option(
    "--store",
    "store_url",
    default="memory:",
    show_default=True,
    metavar="URL",
    help="Where requests are stored: memory:, folder:path, or a database such as sqlite:///file.",
)
@click.option(
    "--keep",
    type=click.IntRange(min=100),
    help="Number of newest records to keep; older records are deleted with their effects."
    "  [default: all]",
)
@click.option(
    "--keep-for",
    type=Duration(),
    metavar="DURATION",
    help="How long to keep requests, such as 12h or 30d (s, m, h, d), by the virtual clock. Older"
    " requests are deleted with their effects, from time to time.  [default: no limit]",
)
@click.option(
    "--projects",
    "projects_file",
    type=FILE,
    help="JSON or YAML file with a list of projects and their options.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of processes. Several processes share a store, by default in a temporary folder.",
)
@click.option(
    "--alias-delay",
    type=click.FloatRange(min=0, max=86_400),
    default=1,
    show_default=True,
    help="Seconds until an alias takes effect, for projects that do not set their own delay. The"
    " default follows Mixpanel's documentation; 0: at once.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Accept calls of /_mock under this host name; .NAME allows all subdomains of NAME."
    " May be repeated.  [default: localhost, IP addresses, names without a dot]",
)
@click.option(
    "--control-token",
    envvar="MOCKPANEL_CONTROL_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="The token that calls of /_mock must have. Set it by the environment variable: other users"
    " of this machine can see a command line.  [default: none on loopback, else a random token]",
)
@click.option(
    "--strict-projects",
    is_flag=True,
    help="Drop records of unknown tokens. By default, a new token creates a project.",
)
@click.option("--tls", is_flag=True, help="Use https with a certificate made for this run.")
@click.option("--tls-cert", type=FILE, help="Use https with this certificate (PEM).")
@click.option("--tls-key", type=FILE, help="The key of --tls-cert (PEM).")
@click.option(
    "--tls-ca",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the certificate authority that clients must trust."
    "  [default: a temporary file]",
)
@click.option("--open", "opens", is_flag=True, help="Open the pages in the browser.")
@click.option(
    "--verbose", is_flag=True, help="Print one line for each request on the error stream."
)
def serve(
    host: str,
    port: int,
    eu_port: int | None,
    in_port: int | None,
    store_url: str,
    keep: int | None,
    keep_for: float | None,
    projects_file: Path | None,
    workers: int,
    alias_delay: float,
    allowed_hosts: tuple[str, ...],
    control_token: str | None,
    strict_projects: bool,
    tls: bool,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_ca: Path | None,
    opens: bool,
    verbose: bool,
) -> None:
    """Run the mock until it is interrupted.

    Prints the base URL of each region. With --tls it also prints `ca` and the file of the
    certificate authority that clients must trust. The last line is `ui` and the link to the pages
    that show what the mock received; if other machines can reach the mock, that link has the token
    that /_mock requires.
    """
    config = Config(
        projects=_projects(projects_file, alias_delay),
        strict_projects=strict_projects,
        alias_delay=alias_delay,
    )
    access = Access.of(host, allowed_hosts, control_token)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with ExitStack() as stack:
        certificate = None
        if tls or tls_cert or tls_key or tls_ca:
            certificate = _certificate(stack, host, tls_cert, tls_key, tls_ca)
        if workers > 1 and store_url == "memory:":
            folder = stack.enter_context(TemporaryDirectory(prefix="mock-mixpanel-"))
            store_url = f"folder:{folder}"
            click.echo(f"{workers} workers share {store_url} until they stop", err=True)
        try:
            # Create the store before the workers open it, so that an error is reported once.
            store = open_store(store_url, keep)
        except StoreError as error:
            raise click.BadParameter(str(error), None, None, "'--store'") from error
        stack.callback(store.close)
        server: Server | Workers
        if workers > 1:
            given = {"us": port, "eu": eu_port, "in": in_port}
            used = {region: number for region, number in given.items() if number is not None}
            shared = (config, store_url, keep, host, used, workers, certificate, access)
            preload()
            server = Workers(WorkerSettings(*shared, not verbose, keep_for))
        else:
            server = Server(
                config,
                store=store,
                keep_for=keep_for,
                host=host,
                port=port,
                eu_port=eu_port,
                in_port=in_port,
                certificate=certificate,
                access=access,
                quiet=not verbose,
            )
        in_own_process()
        _start(server, host)
        stack.callback(server.stop)
        authority = certificate.authority if certificate else None
        pages = _pages(server.urls["us"], None if control_token else access.token)
        _print_links(server, authority and (tls_ca or authority), pages)
        if opens and not webbrowser.open(pages):
            click.echo("--open: found no browser; open the link above", err=True)
        if alias_delay:
            took = f"{alias_delay:g} s after they are sent (--alias-delay 0: at once)"
            click.echo(f"aliases take effect {took}", err=True)
        stopped.wait()


def _print_links(server: Server | Workers, authority: Path | None, pages: str) -> None:
    """Print the base URL of each region, the file of the authority, and the link to the pages."""
    for region, url in server.urls.items():
        click.echo(f"{region} {url}")
    if authority:
        click.echo(f"ca {authority}")
    click.echo(f"ui {pages}")


def _start(server: Server | Workers, host: str) -> None:
    """Start the server; a problem ends the program."""
    try:
        server.start()
    except TlsError as error:
        raise click.BadParameter(str(error), None, None, "'--tls-cert'") from error
    except OSError as error:
        hint = "; give another port, or 0 for a free port" if error.errno == EADDRINUSE else ""
        raise click.ClickException(f"cannot listen on {host}: {error}{hint}") from error
    except WorkersError as error:
        raise click.ClickException(str(error)) from error


def _pages(url: str, made_token: str | None) -> str:
    """The link to the pages of the mock at a URL, with the control token that it made, if any."""
    # A browser cannot open the wildcard address.
    here = re.sub(r"//(0\.0\.0\.0|\[::\]):", "//127.0.0.1:", url)
    query = f"?{TOKEN_PARAMETER}={made_token}" if made_token else ""
    return f"{here}{PAGES}{query}"


def _certificate(
    stack: ExitStack, host: str, chain: Path | None, key: Path | None, authority: Path | None
) -> Certificate:
    """The given certificate, or one made for this run; its files are deleted with the stack."""
    if chain and key:
        if authority:
            raise click.UsageError(
                "--tls-ca goes with --tls only; a given certificate has its own authority"
            )
        return Certificate(chain, key)
    if chain or key:
        raise click.UsageError("--tls-cert and --tls-key go together; give both, or --tls alone")
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="mock-mixpanel-")))
    try:
        made = make(folder, [host])
        if authority and made.authority:
            authority.write_bytes(made.authority.read_bytes())
    except (TlsError, OSError) as error:
        raise click.ClickException(f"--tls: {error}") from error
    return made


def _projects(path: Path | None, alias_delay: float) -> tuple[Project, ...]:
    try:
        return read_projects_file(path, alias_delay) if path else ()
    except ConfigError as error:
        raise click.BadParameter(str(error), None, None, "'--projects'") from error


@main.command()
def api() -> None:
    """Print the reference of the HTTP API as Markdown.

    A running mock serves it as OpenAPI.
    """
    click.echo(page(), nl=False)
