"""The common form of a result: a ratio between two things that were measured in one run.

Every script prints for people, and calls `ratio` for `all.py`, which collects the results.
"""

import json
import os
from pathlib import Path

RESULTS = "BENCHMARK_RESULTS"
"""The environment variable with the file that results are appended to, one JSON object a line."""


def ratio(subject: str, value: float, peer: str) -> None:
    """Record that `subject` has `value` times the speed of `peer`, which ran on the same machine.

    Does nothing if no file is set.
    """
    file = os.environ.get(RESULTS)
    if file:
        line = json.dumps({"subject": subject, "ratio": round(value, 4), "peer": peer})
        with Path(file).open("a", encoding="utf-8") as results:
            results.write(line + "\n")
