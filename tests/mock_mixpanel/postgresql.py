"""A PostgreSQL server of this test run, if it is installed."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER = "postgres"
"""Who runs it when we are root, as whom it refuses to run."""
HOMES = "/usr/lib/postgresql/*/bin"


def program(name: str) -> str:
    """Where one of its programs is; without it the test is skipped, and counted."""
    found = shutil.which(name) or next(
        (str(path) for path in sorted(Path("/").glob(f"{HOMES[1:]}/{name}"))), None
    )
    if found is None:
        pytest.skip(f"{name} is not installed; it is in Debian's postgresql")
    return found


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The URL of a server that keeps all it has in a folder, and listens there alone."""
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    who = None
    if os.geteuid() == 0:
        try:
            account = pwd.getpwnam(USER)
        except KeyError:
            pytest.skip(f"there is no user {USER}, and PostgreSQL does not run as root")
        who = account.pw_name
        for each in (folder, *folder.parents):
            if each.owner() == "root" and each != Path(each.anchor) and str(each) != "/tmp":
                each.chmod(0o755)
        os.chown(folder, account.pw_uid, account.pw_gid)
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run(command, user=who, cwd=folder, check=True, capture_output=True)

    run(initdb, "-D", str(data), "-U", USER, "-A", "trust", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    run(pg_ctl, "-D", str(data), "-l", str(folder / "log"), "-o", options, "-w", "start")
    try:
        yield f"postgresql://{USER}@/postgres?host={folder}"
    finally:
        run(pg_ctl, "-D", str(data), "-m", "immediate", "-w", "stop")
