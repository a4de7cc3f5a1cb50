"""The command line: `python -m mock_mixpanel`, or `mock-mixpanel`."""

import signal
import threading
from pathlib import Path

import click
import yaml

from mock_mixpanel import __version__
from mock_mixpanel.config import Config, ConfigError, Project, read_projects
from mock_mixpanel.server import Server

PORT = click.IntRange(0, 65535)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mock-mixpanel")
def main() -> None:
    """A local Mixpanel."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=PORT, default=8080, show_default=True, help="US; 0: a free port.")
@click.option("--eu-port", type=PORT, help="A port for the EU; 0: a free one.  [default: none]")
@click.option("--in-port", type=PORT, help="A port for India; 0: a free one.  [default: none]")
@click.option("--store", default="memory:", show_default=True, help="Where the log is kept.")
@click.option(
    "--projects",
    "projects_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON or YAML list of projects.",
)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--strict-projects", is_flag=True, help="Drop what is for no known project.")
@click.option("--verbose", is_flag=True, help="One line on the error stream for each request.")
def serve(
    host: str,
    port: int,
    eu_port: int | None,
    in_port: int | None,
    store: str,
    projects_file: Path | None,
    workers: int,
    strict_projects: bool,
    verbose: bool,
) -> None:
    """Serve until interrupted; prints the base URL of each region."""
    if store != "memory:":
        raise click.BadParameter(
            f"{store!r} is not available yet; use memory:", None, None, "'--store'"
        )
    if workers > 1:
        raise click.BadParameter("more than 1 is not available yet", None, None, "'--workers'")
    config = Config(projects=_projects(projects_file), strict_projects=strict_projects)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    server = Server(
        config, host=host, port=port, eu_port=eu_port, in_port=in_port, quiet=not verbose
    )
    try:
        server.start()
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}: {error}") from error
    try:
        for region, url in server.urls.items():
            click.echo(f"{region} {url}")
        stopped.wait()
    finally:
        server.stop()


def _projects(path: Path | None) -> tuple[Project, ...]:
    if path is None:
        return ()
    try:
        return read_projects(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.MarkedYAMLError as error:
        # Its own text quotes the file, secrets too.
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        wrong = f"{path}: {line}{error.problem}"
        raise click.BadParameter(wrong, None, None, "'--projects'") from None
    except (ConfigError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{path}: {error}", None, None, "'--projects'") from error
