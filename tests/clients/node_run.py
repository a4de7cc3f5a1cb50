"""Running the scripts of `node/`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.clients.needs import NODE_FOLDER, node_package, program

SECONDS = 120


def run(script: str, package: str, given: Any, **environment: str) -> str:
    """What a script writes, told `given` as JSON; its package is there, or the test is skipped."""
    node_package(package)
    done = subprocess.run(
        [program("node"), *environment.pop("options", "").split(), script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        cwd=Path(os.environ[NODE_FOLDER]),
        env=os.environ | environment,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout
