"""Every way to check the project; plain `nox` is the gate: lint, tests, conformance."""

import os
import shutil
import subprocess
from pathlib import Path

import nox

READERS = {
    "airbyte": "airbyte-source-mixpanel>=4,<5",
    "tap": "tap-mixpanel>=1.8,<2",
    "headless": "mixpanel-headless>=0.4,<0.5",
}
"""Readers of Mixpanel, by the folder of their environment."""

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "tests", "conformance"]
# uv makes an environment in seconds where it is installed.
nox.options.default_venv_backend = "uv|virtualenv"


@nox.session
def lint(session: nox.Session) -> None:
    """Style, formatting and types."""
    session.install("-e", ".[lint,test]", "nox")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")


def install_compiled(session: nox.Session, *packages: str) -> None:
    """Install packages with compiled modules, and let Python cache those of the tests.

    The sessions start hundreds of processes; without the cache, each compiles all that it imports.
    uv compiles what it installs only if it is told to; pip does.
    """
    session.env["PYTHONDONTWRITEBYTECODE"] = None
    session.install(*packages, env={"UV_COMPILE_BYTECODE": "1"})


PLUGINS = ("xdist", "timeout", "hypothesispytest", "mockpanel", "mockpanel-scenarios")
"""The plugins of pytest that the tests need."""


def in_parallel() -> tuple[str, ...]:
    """Options of pytest for a run on all cores.

    Two processes share a core, because many tests wait for other processes. Plugins are
    named: those that pytest finds by itself are compiled anew, with all modules of their packages.
    """
    processes = 2 * (os.cpu_count() or 1)
    plugins = [word for name in PLUGINS for word in ("-p", name)]
    return ("--disable-plugin-autoload", *plugins, "-n", str(processes), "--dist", "worksteal")


PAGES = (
    "tests/conformance/regression/report/test_page_in_browser.py",
    "tests/conformance/reports/test_page_in_browser.py",
    "tests/mock_mixpanel/inspector/test_accessible.py",
    "tests/mock_mixpanel/inspector/test_hostile_in_browser.py",
    "tests/mock_mixpanel/inspector/test_in_browser.py",
)
"""Tests of pages in Chromium, of reports and of the mock; some need a package of npm."""


@nox.session
def tests(session: nox.Session) -> None:
    """The test suite, in parallel; arguments go to pytest.

    The sessions `clients` and `browser` run the tests of pages in Chromium.
    """
    install_compiled(session, "-e", ".[test]", "pip")  # pip: an environment of uv has none
    elsewhere = [f"--ignore={page}" for page in PAGES]
    session.run("pytest", *in_parallel(), *elsewhere, *session.posargs)


REPEATING = (
    "tests/conformance/corpus/test_redact.py",
    "tests/conformance/regression/differences/test_causes.py",
    "tests/conformance/regression/test_parts_of_a_corpus.py",
    "tests/conformance/runner/replay/test_outcome_profile.py",
    "tests/conformance/targets",
    "tests/mock_mixpanel/control/test_openapi_holds.py",
    "tests/mock_mixpanel/ingest/test_prepared.py",
    "tests/mock_mixpanel/serving/connections/test_hostile_connections.py",
    "tests/mock_mixpanel/serving/connections/test_whole_requests.py",
    "tests/mock_mixpanel/serving/test_fuzz.py",
    "tests/mock_mixpanel/serving/test_robustness.py",
    "tests/mock_mixpanel/state",
    "tests/project/test_wheel.py",
    "tests/translator/cloud/test_nothing_in_silence.py",
    "tests/translator/device",
    "tests/translator/engage",
    "tests/translator/gateway/test_chaos.py",
    "tests/translator/gateway/test_fuzz.py",
    "tests/translator/sender/test_chaos.py",
    "tests/translator/sender/commands/test_chaos_commands.py",
    "tests/translator/sender/books/test_dead_letters.py",
    "tests/translator/test_purity.py",
)
"""Tests that repeat something: with random input, kills of processes, or each scenario."""


@nox.session
def thorough(session: nox.Session) -> None:
    """Repeat what the tests repeat far more often; arguments go to pytest."""
    install_compiled(session, "-e", ".[test]", "pip")
    env = {"MOCKPANEL_TESTS": "thorough"}
    # A test with thousands of repetitions may take minutes on a busy machine; one that hangs ends.
    limit = "--timeout=1200"
    session.run("pytest", *in_parallel(), limit, *REPEATING, *session.posargs, env=env)


@nox.session
def clients(session: nox.Session) -> None:
    """Mixpanel's own clients against the mock; arguments go to pytest.

    With CI=true a client that cannot run is a failure, elsewhere it is skipped.
    See docs/how-to/clients.md.
    """
    readers = str(install_readers(session))
    run_clients(session, "tests/clients", *PAGES, CLIENTS_READERS=readers)


@nox.session
def browser(session: nox.Session) -> None:
    """Only what runs in Chromium: mixpanel-browser with our model of it, and all pages."""
    model = "tests/clients/test_device_model.py"
    run_clients(session, "tests/clients/test_browser.py", model, *PAGES)


def run_clients(session: nox.Session, *tests: str, **variables: str) -> None:
    """Install the clients, and run their tests with these environment variables."""
    install_compiled(session, "-e", ".[test,clients]", "pip")
    folder = Path(session.create_tmp(), "node").resolve()
    shutil.copytree("tests/clients/node", folder, dirs_exist_ok=True)
    if shutil.which("npm"):
        install = ["npm", "install", "--prefix", str(folder), "--no-package-lock"]
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        # The tests report what is still missing.
        session.run(*install, *quiet, external=True, success_codes=range(256))
    env = {"CLIENTS_NODE": str(folder), **variables}
    session.run("pytest", *tests, "-n", "2", *session.posargs, env=env)


@nox.session
def spark(session: nox.Session) -> None:
    """The engine on Spark: in one process, and on a cluster of processes of this machine.

    It needs Java 17. With CI=true its absence is a failure, elsewhere the tests are skipped.
    """
    session.install("-e", ".[test,spark]", "pip")
    session.run("pytest", "tests/spark", "--timeout", "900", *session.posargs)


def install_readers(session: nox.Session) -> Path:
    """An environment for each package whose dependencies conflict with others.

    The tests report what is missing.
    """
    folder = Path(session.create_tmp(), "readers").resolve()
    for name, requirement in READERS.items():
        session.run("python", "-m", "venv", str(folder / name))
        install = [str(folder / name / "bin" / "python"), "-m", "pip", "install", "-q", requirement]
        session.run(*install, external=True, success_codes=range(256))
    return folder


@nox.session
def conformance(session: nox.Session) -> None:
    """Every scenario against our translator, as installed; arguments go to the runner."""
    install_compiled(session, ".")
    # -P: the installed packages, not the checkout.
    session.run("python", "-P", "-m", "conformance", "run", *session.posargs)


@nox.session
def regression(session: nox.Session) -> None:
    """What changed for the bundled corpus since the last tag; arguments go to `diff`.

    Without a tag it compares with the last commit and shows what is not committed.
    """
    install_compiled(session, ".")
    described = subprocess.run(
        ["git", "describe", "--tags", "--abbrev=0"], capture_output=True, text=True
    )
    base = described.stdout.strip()
    if not base:
        session.warn("there is no tag; comparing with HEAD, so only with what is not committed")
    made_up = Path(session.create_tmp(), "made-up.jsonl").resolve()
    conformance = ("python", "-P", "-m", "conformance")
    session.run(*conformance, "corpus", "synth", "--messages", "20000", "-o", str(made_up))
    session.run(
        *(*conformance, "diff", "--old", f"git:{base or 'HEAD'}", "--new", "tree"),
        *("--corpus", "conformance/captures/cloud-classic.jsonl", str(made_up)),
        *("--settings", "conformance/corpus/settings.json", "--now", "2026-06-15T12:00:00Z"),
        *("--approvals", "conformance/approvals.toml", "--report", "build/regression"),
        *session.posargs,
    )


@nox.session
def bench(session: nox.Session) -> None:
    """Every benchmark, as one table of ratios; takes the options of benchmarks/all.py."""
    install_compiled(session, ".", "mixpanel>=5.4,<6")
    session.run("python", "benchmarks/all.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The site in build/site; a broken link is an error."""
    session.install(".[docs]")
    quiet = {"NO_MKDOCS_2_WARNING": "1"}
    session.run("mkdocs", "build", "--strict", "--config-file", ".mkdocs.yml", env=quiet)
