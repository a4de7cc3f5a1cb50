"""The session of a command: its options, and what it says when Spark fails."""

import re
from typing import Any

import pytest
from py4j.protocol import Py4JNetworkError

from translator.spark.failures import SparkFailure, hint_in, problem_in
from translator.spark.options import SparkOptions
from translator.spark.session import spark_session


def test_options_of_a_notebook(session: Any) -> None:
    """Options without which data could be lost hold during a command, and not after it."""
    lossy = "spark.sql.files.ignoreCorruptFiles"
    session.conf.set(lossy, "true")
    with spark_session(SparkOptions(), "test") as used:
        assert used.conf.get(lossy) == "false"
        assert used.conf.get("spark.sql.caseSensitive") == "true"
    assert session.conf.get(lossy) == "true"
    session.conf.set(lossy, "false")


@pytest.mark.parametrize(
    "error", [Py4JNetworkError("no answer"), ConnectionRefusedError(111), EOFError()]
)
def test_java_has_ended(session: Any, error: Exception) -> None:
    """The error says so, and what to do."""
    said = r"Java process ended.*spark\.driver\.memory"
    with pytest.raises(SparkFailure, match=said), spark_session(SparkOptions(), "test"):
        raise error


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\n[PARSE_SYNTAX_ERROR] Syntax error\n\n== SQL ==", "[PARSE_SYNTAX_ERROR] Syntax error"),
        ("", "no reason given"),
        (
            "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file file:///a%20b.gz."
            " SQLSTATE: KD001\n\tat a.b\nCaused by: java.io.EOFException: Unexpected end",
            "file:///a b.gz: java.io.EOFException: Unexpected end",
        ),
    ],
)
def test_the_problem_in_an_error(text: str, problem: str) -> None:
    """It is the innermost cause, with the file that Spark was reading."""
    assert problem_in(text) == problem


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("ModuleNotFoundError: No module named 'translator.spark'", "with --py-files"),
        ("ModuleNotFoundError: No module named 'orjson'", "do not have the library orjson"),
        (
            "[PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.12 than that in"
            " driver: 3.11",
            "versions of Python (3.12 and 3.11): set PYSPARK_PYTHON",
        ),
        ("SparkException: All masters are unresponsive! Giving up.", "(usually 7077), not of its"),
    ],
)
def test_what_to_do_about_a_cluster(text: str, hint: str) -> None:
    """Errors of workers and masters become a sentence that says what to change."""
    assert hint in hint_in(text)


def test_the_library_of_a_connector() -> None:
    """The version is that of Hadoop's client in this Spark."""
    found = problem_in(
        "java.lang.ClassNotFoundException: Class org.apache.hadoop.fs.s3a.S3AFileSystem not found"
    )
    assert re.search(r"spark\.jars\.packages=org\.apache\.hadoop:hadoop-aws:\d+\.\d+\.\d+$", found)
