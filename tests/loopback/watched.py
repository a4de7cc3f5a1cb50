"""An environment that names other machines, and in which no process can connect to them."""

import json
import os
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

from tests.forked_process import run_module
from tests.loopback.guard import is_outside, watch_process

ROOT = Path(__file__).parents[2]

PROXY = "http://proxy.example.com:3128"
NETRC = "machine 127.0.0.1 login leaked password leaked\ndefault login leaked password leaked\n"


class Watched:
    """A folder with the notes of all watched processes, and the environment to start them in.

    The environment has proxies and credentials that must not be used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._notes = folder / "loopback-notes"
        netrc = folder / ".netrc"
        netrc.write_text(NETRC)
        netrc.chmod(0o600)
        kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), PROXY)
        self.env = {
            **kept,
            **proxies,
            **{name.lower(): value for name, value in proxies.items()},
            "NETRC": str(netrc),
            "HOME": str(folder),
            # The scenarios are not parsed again by each process.
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(ROOT)]),
            "LOOPBACK_NOTES": str(self._notes),
        }

    def run_module(self, module: str, *arguments: str, broken: str = "") -> CompletedProcess[str]:
        """Run a module in this folder in a watched fork, which executes the code `broken` first."""
        first = partial(_watch, str(self._notes), broken)
        return run_module(module, *arguments, cwd=self.folder, env=self.env, first=first)

    def notes(self) -> list[tuple[str, str]]:
        """The events and hosts of the processes. Each process begins with `start`."""
        lines = self._notes.read_text().splitlines() if self._notes.exists() else []
        return [(event, host) for event, host in map(json.loads, lines)]

    def outside(self) -> list[tuple[str, str]]:
        """The events that would have reached another machine."""
        found = self.notes()
        assert ("start", "") in found, "no process was watched"
        return [(event, host) for event, host in found if is_outside(host)]


def _watch(notes: str, code: str) -> None:
    """Begin a watched process: what tests/loopback/sitecustomize.py does for a new one."""
    watch_process(notes)
    exec(code, {})
