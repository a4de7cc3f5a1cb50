"""A standalone cluster of Spark as processes of this machine: a master and workers."""

import os
import re
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Self


def spark_home() -> Path:
    """Where the package pyspark has Spark's programs."""
    import pyspark

    return Path(pyspark.__file__).parent


class Process:
    """A process of Spark in a group of its own, whose log is read line by line."""

    def __init__(self, folder: Path, *command: str) -> None:
        environment = {
            **os.environ,
            "SPARK_HOME": str(spark_home()),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_WORKER_DIR": str(folder),
        }
        self._process = subprocess.Popen(
            [str(spark_home() / "bin" / "spark-class"), *command],
            env=environment,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_for(self, pattern: str) -> str:
        """The text of the first group of a pattern, as soon as the log has it."""
        assert self._process.stderr is not None
        read = []
        for line in self._process.stderr:
            read.append(line)
            if found := re.search(pattern, line):
                return found[1]
        raise AssertionError(f"no {pattern!r} in the log:\n{''.join(read)}")

    def kill(self) -> None:
        """End the process and those that it started, without warning."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()


class Cluster:
    """A master and two workers with one core each; it ends with the context."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self.url = ""
        self.workers: list[Process] = []

    def __enter__(self) -> Self:
        local = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        master = self._started("org.apache.spark.deploy.master.Master", *local)
        self.url = master.wait_for(r"Starting Spark master at (spark://\S+)")
        size = ("--cores", "1", "--memory", "640m", "--work-dir", str(self._folder))
        for _ in range(2):
            name = "org.apache.spark.deploy.worker.Worker"
            self.workers.append(self._started(name, *local, *size, self.url))
        for worker in self.workers:
            worker.wait_for(r"(Successfully registered with master)")
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _started(self, *command: str) -> Process:
        process = Process(self._folder, *command)
        self._stack.callback(process.kill)
        return process
