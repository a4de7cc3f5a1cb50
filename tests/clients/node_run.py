"""Running the scripts of `node/`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.clients.mixpanel import Project
from tests.clients.needs import NODE_FOLDER, node_package, program

SECONDS = 120


def run(script: str, package: str, given: Any, *options: str, **environment: str) -> str:
    """What a script writes, told `given` as JSON; `options` are Node's.

    The package is there, or the test is skipped.
    """
    node_package(package)
    done = subprocess.run(
        [program("node"), *options, script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        cwd=Path(os.environ[NODE_FOLDER]),
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_at_home(script: str, package: str, given: Any, project: Project, **environment: str) -> str:
    """Like `run`, with Mixpanel's hosts being the mock of a project, and its authority trusted."""
    assert project.ca_file
    trust = {"MIXPANEL_PORT": str(project.port), "NODE_EXTRA_CA_CERTS": project.ca_file}
    return run(script, package, given, "--require", "./redirect.cjs", **trust, **environment)
