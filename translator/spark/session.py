"""A Spark session for one command. Spark is imported and started only here."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click

from translator.options import usage_error
from translator.spark.options import SparkOptions
from translator.terminal_text import printable

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

_INPUT_ERRORS = (
    *("PATH_NOT_FOUND", "FAILED_READ_FILE", "FileNotFoundException", "EOFException"),
    *("ZipException", "UnknownHostException", "No FileSystem for scheme", "ZstdIOException"),
    *("FileAlreadyExistsException", "not in gzip format", "AccessControlException"),
    *("FileSystem not found", "ConnectException", "Incomplete HDFS URI", "Wrong FS"),
    *("is not a valid DFS filename", "UNABLE_TO_INFER_SCHEMA", "CANNOT_MERGE"),
    *("PARQUET_TYPE_ILLEGAL", "UNSUPPORTED_TIME_TYPE"),
    *("NotDirectoryException", "Mkdirs failed"),
)
"""Phrases in the text of an error that is caused by the input or output."""

_FILE = re.compile(r"Encountered error while reading file (\S+?)\.?(?:\s|$)")
_NO_CONNECTOR = re.compile(r"Class (\S+FileSystem) not found")
_CALL = re.compile(r"Call From \S+ to (\S+) failed")
"""Patterns for the file, the connector, and the server in the text of an error."""


class SparkFailure(click.ClickException):
    """A job of Spark failed: click prints the text and ends the program with status 3."""

    exit_code = 3


@contextmanager
def spark_session(options: SparkOptions, name: str) -> Iterator[Any]:
    """A session under this name of the application, ended with the context.

    A session that is active already, as in a notebook, is used and left open, with its options.
    Without the package or Java the program ends with status 2; so it does where Spark cannot read
    the input. Raises SparkFailure for other failures of a job.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        usage_error("--engine spark needs the package: pip install 'mockpanel[spark]'")
    active = SparkSession.getActiveSession()
    if active is None and not has_java():
        usage_error("--engine spark needs Java 17 or newer: install it, or set JAVA_HOME")
    with _job_errors(), tempfile.TemporaryDirectory(prefix="spark-") as folder:
        session = active or _started(options, name)
        try:
            for file in options.py_files:
                session.sparkContext.addPyFile(str(_importable(file, Path(folder))))
            with _options_set(session, _FIXED):
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


def has_java() -> bool:
    """Whether Spark finds Java."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(str(Path(home, "bin", "java")) if home else "java") is not None


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


@contextmanager
def _job_errors() -> Iterator[None]:
    from py4j.protocol import Py4JError, Py4JNetworkError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JNetworkError, ConnectionError, EOFError) as error:
        raise SparkFailure(
            "Spark's Java process ended during the job. If it was short of memory, give it more:"
            " --spark-conf spark.driver.memory=4g"
        ) from error
    except (Py4JError, PySparkException) as error:
        text = str(error)
        problem = printable(problem_in(text))
        if "JAVA_GATEWAY_EXITED" in text:
            raise SparkFailure(
                "Spark did not start. The lines above say why, such as a wrong --master or"
                " --spark-conf, or a Java that does not work"
            ) from error
        if any(sign in text for sign in _INPUT_ERRORS):
            usage_error(f"Spark cannot read the input or write the output: {problem}")
        raise SparkFailure(f"the job on Spark failed: {problem}") from error


def problem_in(text: str) -> str:
    """The innermost cause in the text of an error, without stack traces, and the file or server."""
    lines = [line for line in text.splitlines() if line.strip()]
    causes = [line.partition("Caused by: ")[2] for line in lines if "Caused by: " in line]
    thrown = [line[2:] for line in lines if line.startswith(": ")]
    problem = (causes[-1:] or thrown or lines or ["no reason given"])[0].strip()[:1000]
    if found := _NO_CONNECTOR.search(text):
        return (
            f"Spark has no connector for this kind of URL (class {found[1]}): add its library with"
            " --spark-conf spark.jars.packages=GROUP:NAME:VERSION"
        )
    where = _FILE.search(text) or _CALL.search(text)
    return f"{unquote(where[1])}: {problem}" if where and where[1] not in problem else problem
