"""Failures of a job on Spark, in words: what failed, where, and what to do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import click

from translator.options import usage_error
from translator.terminal_text import printable

_INPUT_ERRORS = (
    *("PATH_NOT_FOUND", "FAILED_READ_FILE", "FileNotFoundException", "EOFException"),
    *("ZipException", "UnknownHostException", "No FileSystem for scheme", "ZstdIOException"),
    *("FileAlreadyExistsException", "not in gzip format", "AccessControlException"),
    *("FileSystem not found", "ConnectException", "Incomplete HDFS URI", "Wrong FS"),
    *("is not a valid DFS filename", "UNABLE_TO_INFER_SCHEMA", "CANNOT_MERGE"),
    *("PARQUET_TYPE_ILLEGAL", "UNSUPPORTED_TIME_TYPE"),
    *("NotDirectoryException", "Mkdirs failed"),
)
"""Parts of the text of an error that mean that the input or output is wrong."""

_FILE = re.compile(r"Encountered error while reading file (\S+?)\.?(?:\s|$)")
_NO_CONNECTOR = re.compile(r"Class (\S+FileSystem) not found")
_CALL = re.compile(r"Call From \S+ to (\S+) failed")
_MISSING_MODULE = re.compile(r"No module named '(translator|conformance|mock_mixpanel)")
_NO_LIBRARY = re.compile(r"No module named '([\w.]+)'")
_PYTHON = re.compile(r"PYTHON_VERSION_MISMATCH.*?(\d\.\d+).*?(\d\.\d+)", re.DOTALL)
"""Patterns that find in the text of an error the file, connector, server, module and versions."""

_CONNECTORS = {
    "org.apache.hadoop.fs.s3a.S3AFileSystem": "org.apache.hadoop:hadoop-aws:{hadoop}",
    "org.apache.hadoop.fs.azurebfs.AzureBlobFileSystem": "org.apache.hadoop:hadoop-azure:{hadoop}",
}
"""Class of a connector -> the library that has it, with the version of Hadoop's client."""

_NO_MASTER = ("All masters are unresponsive", "stopped SparkContext", "was shut down")
"""Parts of the text of an error that mean that no master accepted the application."""


class SparkFailure(click.ClickException):
    """A job of Spark failed: click prints the text and ends the program with status 3."""

    exit_code = 3


@contextmanager
def job_errors() -> Iterator[None]:
    """Raise errors of Spark as SparkFailure; end the program with status 2 for wrong input."""
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
        if hint := hint_in(text):
            raise SparkFailure(f"the job on Spark failed: {hint}") from error
        if any(sign in text for sign in _INPUT_ERRORS):
            usage_error(f"Spark cannot read the input or write the output: {problem}")
        raise SparkFailure(f"the job on Spark failed: {problem}") from error


def hint_in(text: str) -> str:
    """What to do about an error of the cluster, for the errors whose own text does not say it."""
    if found := _MISSING_MODULE.search(text):
        return (
            f"the workers do not have the package {found[1]}: install mockpanel there, or send its"
            " wheel with --py-files"
        )
    if found := _NO_LIBRARY.search(text):
        return f"the workers do not have the library {found[1]}: install it there"
    if found := _PYTHON.search(text):
        return (
            f"the workers and this machine have different versions of Python ({found[1]} and"
            f" {found[2]}): set PYSPARK_PYTHON to the Python that the workers are to run"
        )
    if any(sign in text for sign in _NO_MASTER):
        return (
            "the server at --master did not take the job, or ended it. Give the port of the"
            " master (usually 7077), not of its web page (usually 8080); the master must run the"
            f" same version of Spark as this machine{_spark_version()}"
        )
    return ""


def problem_in(text: str) -> str:
    """The innermost cause in the text of an error, without stack traces, and the file or server."""
    lines = [line for line in text.splitlines() if line.strip()]
    causes = [line.partition("Caused by: ")[2] for line in lines if "Caused by: " in line]
    thrown = [line[2:] for line in lines if line.startswith(": ")]
    problem = (causes[-1:] or thrown or lines or ["no reason given"])[0].strip()[:1000]
    if found := _NO_CONNECTOR.search(text):
        library = _CONNECTORS.get(found[1], "GROUP:NAME:VERSION").format(hadoop=_hadoop_version())
        return (
            f"Spark has no connector for this kind of URL (class {found[1]}): add its library with"
            f" --spark-conf spark.jars.packages={library}"
        )
    where = _FILE.search(text) or _CALL.search(text)
    return f"{unquote(where[1])}: {problem}" if where and where[1] not in problem else problem


def _spark_version() -> str:
    """The version of the package pyspark, in parentheses."""
    import pyspark

    return f" ({pyspark.__version__})"


def _hadoop_version() -> str:
    """The version of Hadoop's client in the package pyspark."""
    import pyspark

    jars = Path(pyspark.__file__).parent.glob("jars/hadoop-client-api-*.jar")
    found = [jar.stem.removeprefix("hadoop-client-api-") for jar in jars]
    return found[0] if found else "VERSION"
