"""A cluster of a master and two workers, of which one is killed in the middle of a job."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from conformance.corpus.synth import synth
from tests.project.paths import ROOT
from tests.spark.cluster import Cluster
from tests.spark.run import run

FILES = 8
NOW = ("--now", "2026-06-15T12:00:00Z", "--max-bad-lines", "99")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [built] = folder.glob("mockpanel-*.whl")
    return built


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A corpus in several compressed files, which Spark reads in one task each."""
    folder = tmp_path_factory.mktemp("files")
    lines = [json.dumps(each).encode() + b"\n" for each in synth(1600, seed=9)]
    size = len(lines) // FILES
    for number in range(FILES):
        part = b"".join(lines[number * size : (number + 1) * size])
        (folder / f"{number}.jsonl.gz").write_bytes(gzip.compress(part))
    return sorted(folder.iterdir())


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path) as made:
        yield made


def test_a_worker_is_killed_in_the_middle(
    cluster: Cluster, files: list[Path], wheel: Path, tmp_path: Path
) -> None:
    """The job goes on with the other worker; the report is that of the local engine.

    The workers run the code of the wheel.
    """
    local = run("diff", "--old", "rules:observed", *NOW, *files, report=tmp_path / "local")
    killed: list[int] = []
    watch = Thread(target=kill_after_first_task, args=(cluster, killed), daemon=True)
    watch.start()
    conf = {
        "spark.executor.memory": "512m",
        "spark.sql.files.maxPartitionBytes": "1",
    }
    options = [part for pair in conf.items() for part in ("--spark-conf", "=".join(pair))]
    command: list[str | Path] = ["diff", "--old", "rules:observed", *NOW, *files, *options]
    command += ["--engine", "spark", "--master", cluster.url, "--py-files", wheel]
    spark = run(*command, report=tmp_path / "spark")
    watch.join(30)
    assert spark == local
    assert killed[0] < FILES


def kill_after_first_task(cluster: Cluster, killed: list[int]) -> None:
    """Kill the first worker with its executor as soon as a task of the comparison is done."""
    from pyspark import SparkContext

    pause = Event()
    while not pause.wait(0.05):
        context: Any = SparkContext._active_spark_context
        if getattr(context, "_jsc", None) is None:
            continue  # Spark has not started yet
        tracker = context.statusTracker()
        # The first job counts the lines of each file; the comparison has a task for each file too.
        for job in filter(None, tracker.getActiveJobsIds()):
            info = tracker.getJobInfo(job)
            for stage in map(tracker.getStageInfo, info.stageIds if info else ()):
                if stage and stage.numTasks >= FILES and stage.numCompletedTasks:
                    cluster.workers[0].kill()
                    killed.append(stage.numCompletedTasks)
                    return
