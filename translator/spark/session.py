"""A Spark session for one command. Spark is imported and started only here."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from translator.options import usage_error
from translator.spark.failures import job_errors
from translator.spark.options import SparkOptions
from translator.spark.preflight import check_options, check_servers
from translator.spark.waiting import workers_watched

LOOPBACK = "127.0.0.1"

_DEFAULTS = {
    # A page with the job's settings, open to every user of the machine.
    "spark.ui.enabled": "false",
    "spark.log.level": "ERROR",
    "spark.ui.showConsoleProgress": str(sys.stderr.isatty()).lower(),
    "spark.sql.session.timeZone": "UTC",
    # Lines can be long; a batch of them must fit into memory.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "2000",
    "spark.sql.execution.arrow.maxBytesPerBatch": "64m",
}
"""Options of Spark where neither the command line nor Spark's configuration has them."""

_FIXED = {
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    # Parquet columns `userId` and `userid` are two fields, as in JSON.
    "spark.sql.caseSensitive": "true",
}
"""Options without which data could be lost or changed without notice."""


@contextmanager
def spark_session(options: SparkOptions, name: str, files: Sequence[str] = ()) -> Iterator[Any]:
    """A session under this name of the application, ended with the context.

    A session that is active already, as in a notebook, is used and left open, with its options.
    `files` are the names of the input and output: their servers are asked before Spark starts.
    Without the package or Java the program ends with status 2; so it does where Spark cannot read
    the input. Raises SparkFailure for other failures of a job.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        usage_error("--engine spark needs the package: pip install 'mockpanel[spark]'")
    active = SparkSession.getActiveSession()
    if active is None:
        check_options(options)
    check_servers(files)
    with job_errors(), tempfile.TemporaryDirectory(prefix="spark-") as folder:
        session = active or _started(options, name)
        try:
            for file in options.py_files:
                session.sparkContext.addPyFile(str(_importable(file, Path(folder))))
            with _options_set(session, _FIXED), workers_watched(session):
                yield session
        finally:
            if active is None:
                with suppress(Exception):  # Java may have ended; the error of the job says so.
                    session.stop()


@contextmanager
def _options_set(session: Any, wanted: Mapping[str, str]) -> Iterator[None]:
    """Set options of SQL, which can be those of a notebook, until the context ends."""
    before = {key: session.conf.get(key) for key in wanted}
    for key, value in wanted.items():
        session.conf.set(key, value)
    try:
        yield
    finally:
        with suppress(Exception):  # Java may have ended.
            for key, value in before.items():
                session.conf.set(key, value)


def _started(options: SparkOptions, name: str) -> Any:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

    conf = SparkConf()
    for key, value in _DEFAULTS.items():
        conf.setIfMissing(key, value)
    if options.master:
        conf.setMaster(options.master)
    conf.setIfMissing("spark.master", "local[*]")
    if is_here(conf.get("spark.master") or ""):
        # Nothing of the job is open to other machines, and the workers have this Python.
        conf.setIfMissing("spark.driver.host", LOOPBACK)
        conf.setIfMissing("spark.driver.bindAddress", LOOPBACK)
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    for key, value in (*options.conf, *_FIXED.items()):
        conf.set(key, value)
    return SparkSession.builder.appName(f"mockpanel {name}").config(conf=conf).getOrCreate()


def is_here(master: str) -> bool:
    """Whether all of Spark runs on this machine."""
    return master.startswith(("local", f"spark://{LOOPBACK}", "spark://localhost"))


def _importable(file: Path, folder: Path) -> Path:
    """The file under a name from which Spark's workers import: they know zip files, not wheels."""
    if file.suffix != ".whl":
        return file
    copy = folder / f"{file.stem}.zip"
    shutil.copyfile(file, copy)
    return copy
