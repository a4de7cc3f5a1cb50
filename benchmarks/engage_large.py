"""Measures Engage with a state file over more people than memory holds, killed and resumed.

    python benchmarks/engage_large.py [--messages N] [--people N] [--kills N] [--folder FOLDER]

The default is 10,000,000 messages of 1,000,000 people, which takes about 20 minutes of processor
time and 6 GB of disk; so `all.py` leaves it out. With `--kills` the run is repeated: a process is
killed with SIGKILL at random moments and started again, and its output must be that of the run that
was not interrupted. Speed is per second of processor time, memory is the peak of the process. With
`--folder` the files are kept, and an interrupted benchmark continues where it was.
"""

import argparse
import filecmp
import multiprocessing
import random
import resource
import time
from contextlib import closing, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
from engage import DEFINITIONS, END_MS, lines

from translator.engage import read_definitions
from translator.engage.storage.resumable import ResumableRun
from translator.engage.storage.state_file import StateFile
from translator.garbage_collection import BATCH_OBJECTS, rare_collection


def process(source: Path, output: Path) -> None:
    """Run Engage over the lines, or the rest of them, and print speed and memory."""
    start = time.process_time()
    with (
        rare_collection(BATCH_OBJECTS),
        closing(
            StateFile(output.with_suffix(".state"), read_definitions(DEFINITIONS), {})
        ) as state,
        source.open("rb") as read,
        closing(ResumableRun(state, str(source), read, output)) as run,
    ):
        before = 0 if state.run is None else state.run.read.lines
        run.process(END_MS, lambda made: (orjson.dumps(made) + b"\n", False), lambda *_: None)
        assert state.run is not None
        done = state.run.read.lines - before
        calls = state.run.written.lines
    seconds = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    size = output.with_suffix(".state").stat().st_size >> 20
    print(f"{done:,} messages in {seconds:,.0f} seconds of processor time: ", end="")
    print(f"{done / seconds:,.0f} messages/s, {memory:,} MiB", end="")
    print(f"; {calls:,} calls in the output, state file {size:,} MiB", flush=True)


def process_with_kills(source: Path, output: Path, kills: int, seconds: float) -> None:
    """Run in processes, of which the first `kills` are killed after a random part of the given
    seconds."""
    generator = random.Random(1)
    context = multiprocessing.get_context("spawn")
    killed = 0
    while True:
        worker = context.Process(target=process, args=(source, output))
        worker.start()
        worker.join(generator.uniform(0, 2 * seconds) if killed < kills else None)
        if not worker.is_alive():
            break
        worker.kill()
        worker.join()
        killed += 1
    if worker.exitcode:
        raise SystemExit(f"the run ended with status {worker.exitcode}")
    print(f"killed {killed} times")


def main() -> None:
    """Measure, then kill and resume."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000_000)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="keep the files here")
    options = parser.parse_args()
    with TemporaryDirectory() if options.folder is None else nullcontext(options.folder) as folder:
        source = Path(folder) / "messages.jsonl"
        if not source.exists():
            unfinished = source.with_suffix(".part")
            with unfinished.open("wb") as written:
                written.writelines(line + b"\n" for line in lines(options.messages, options.people))
            unfinished.rename(source)
        whole = Path(folder) / "whole.jsonl"
        start = time.monotonic()
        process_with_kills(source, whole, 0, 0)
        if options.kills:
            seconds = (time.monotonic() - start) / options.kills
            killed = Path(folder) / "killed.jsonl"
            process_with_kills(source, killed, options.kills, seconds)
            if not filecmp.cmp(whole, killed, shallow=False):
                raise SystemExit("the output after kills is different")
            print("the output after kills is the same, byte for byte")


if __name__ == "__main__":
    main()
