"""Runs every benchmark and prints all results as ratios in one table, with the machine's load.

    python benchmarks/all.py [SCRIPT ...] [--save FILE] [--compare FILE]

A ratio compares two things of one run on one machine, so it can be compared with the ratio of an
earlier run; rates cannot. `--save` stores the run as JSON, `--compare` shows a stored run beside
it. The exit status is 1 if a script failed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from measured import RESULTS

FOLDER = Path(__file__).parent
SCRIPTS = ("translate", "diff", "engage", "send", "ingest", "gateway", "inspector", "suite")
"""The scripts that measure ratios."""

Run = dict[str, Any]


def run_script(name: str) -> Run:
    """Run a script. Returns its results, the load before and after, and its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results"
        file.touch()
        before = os.getloadavg()[0]
        command = [sys.executable, str(FOLDER / f"{name}.py")]
        done = subprocess.run(command, env={**os.environ, RESULTS: str(file)}, check=False)
        results = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    load = [round(before, 1), round(os.getloadavg()[0], 1)]
    return {"script": name, "status": done.returncode, "load": load, "results": results}


def ratios(run: Run) -> dict[tuple[str, str, str], float]:
    """The ratios of a run by script, subject and peer."""
    return {
        (script["script"], result["subject"], result["peer"]): result["ratio"]
        for script in run["scripts"]
        for result in script["results"]
    }


def table(run: Run, earlier: Run | None) -> list[str]:
    """The lines of the table: one for each ratio, with the load while its script ran.

    With an earlier run, its ratio, and now divided by then; at the end the ratios that only the
    earlier run has, such as those to a peer that is not installed now.
    """
    then = {} if earlier is None else ratios(earlier)
    heading = f"{'script':10} {'subject':44} {'ratio':>8}  {'to':34} {'load':>11}"
    lines = [heading if earlier is None else f"{heading} {'earlier':>8} {'change':>7}"]
    for script in run["scripts"]:
        load = "{:.1f} to {:.1f}".format(*script["load"])
        if script["status"]:
            lines.append(f"{script['script']:10} failed with status {script['status']}")
        for each in script["results"]:
            line = f"{script['script']:10} {each['subject']:44} {each['ratio']:8.3f}"
            line += f"  {each['peer']:34} {load:>11}"
            if earlier is not None:
                old = then.get((script["script"], each["subject"], each["peer"]))
                line += (
                    f" {'-':>8} {'-':>7}" if not old else f" {old:8.3f} {each['ratio'] / old:7.2f}"
                )
            lines.append(line)
    if earlier is not None:
        asked = {script["script"] for script in run["scripts"]}
        for (name, subject, peer), value in then.items():
            if name in asked and (name, subject, peer) not in ratios(run):
                line = f"{name:10} {subject:44} {'-':>8}  {peer:34} {'':>11} {value:8.3f}"
                lines.append(f"{line} not measured now")
        lines.append(f"earlier: {earlier.get('at')}, {earlier.get('processors')} processors")
    return lines


def read_run(file: Path) -> Run:
    """A stored run. Raises OSError, and ValueError for another file."""
    run = json.loads(file.read_text("utf-8"))
    try:
        table(run, run)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{file} is not a run that --save has stored") from error
    return run  # type: ignore[no-any-return]


def main() -> None:
    """Run the scripts, print the table, and store the run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", help=f"default: {SCRIPTS}")
    parser.add_argument("--save", type=Path, metavar="FILE", help="store the run as JSON")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="an earlier run")
    options = parser.parse_args()
    unknown = sorted({*options.scripts} - {*SCRIPTS})
    if unknown:
        parser.error(f"unknown script {unknown[0]!r}; the scripts are {', '.join(SCRIPTS)}")
    try:
        earlier = options.compare and read_run(options.compare)
        if options.save:
            options.save.open("a").close()
    except (OSError, ValueError) as error:
        parser.error(str(error))
    run: Run = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processors": os.cpu_count(),
        "scripts": [run_script(name) for name in options.scripts or SCRIPTS],
    }
    if options.save:
        options.save.write_text(json.dumps(run, indent=1) + "\n", "utf-8")
    print("\n".join(["", *table(run, earlier)]))
    sys.exit(any(script["status"] for script in run["scripts"]))


if __name__ == "__main__":
    main()
