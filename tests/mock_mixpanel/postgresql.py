"""A PostgreSQL server of this test run, if it is installed."""

import atexit
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from tests.clients.needs import absent

USER = "postgres"
"""Who runs it when we are root, as whom it refuses to run."""
HOMES = "/usr/lib/postgresql/*/bin"


def program(name: str) -> str:
    """Where one of its programs is; without it the test is skipped, and fails in CI."""
    found = shutil.which(name) or next(
        (str(path) for path in sorted(Path("/").glob(f"{HOMES[1:]}/{name}"))), None
    )
    if found is None:
        absent(f"{name} is not installed; it is in Debian's postgresql")
    return found


def runner_of(folder: Path) -> str | None:
    """The user who runs the programs, to whom the folder is given; None if we may run them."""
    if os.geteuid() != 0:
        return None
    try:
        account = pwd.getpwnam(USER)
    except KeyError:
        absent(f"there is no user {USER}, and PostgreSQL does not run as root")
    for each in (folder, *folder.parents):
        if each.owner() == "root" and each != Path(each.anchor) and str(each) != "/tmp":
            each.chmod(0o755)
    os.chown(folder, account.pw_uid, account.pw_gid)
    return account.pw_name


@cache
def new_cluster() -> Path:
    """The data of a server that never ran: a copy takes a tenth of what it takes to make it."""
    initdb, folder = program("initdb"), Path(mkdtemp())
    atexit.register(rmtree, folder, ignore_errors=True)
    who, data = runner_of(folder), folder / "data"
    command = (initdb, "-D", str(data), "-U", USER, "-A", "trust", "--no-sync")
    subprocess.run(command, user=who, cwd=folder, check=True, capture_output=True)
    return data


class Server:
    """A PostgreSQL server that keeps all it has in a folder, and listens there alone."""

    def __init__(self, folder: Path) -> None:
        self._pg_ctl = program("pg_ctl")
        self._folder, self._who = folder, runner_of(folder)
        self._data = folder / "data"
        self._run("cp", "-R", str(new_cluster()), str(self._data))
        self.url = f"postgresql://{USER}@/postgres?host={folder}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c listen_addresses='' -c unix_socket_directories={self._folder} -c fsync=off"
        log = str(self._folder / "log")
        self._run(self._pg_ctl, "-D", str(self._data), "-l", log, "-o", options, "-w", "start")

    def stop(self) -> None:
        """Stop it at once, as if it were killed."""
        self._run(self._pg_ctl, "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def _run(self, *command: str) -> None:
        subprocess.run(command, user=self._who, cwd=self._folder, check=True, capture_output=True)


@contextmanager
def restartable(folder: Path) -> Iterator[Server]:
    """A running server that can be stopped and started."""
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        with suppress(subprocess.CalledProcessError):  # it may be stopped already
            server.stop()


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The URL of a running server."""
    with restartable(folder) as server:
        yield server.url
