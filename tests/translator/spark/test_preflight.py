"""Problems that are named before Spark starts. These tests need no Spark."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from translator.spark.failures import SparkFailure
from translator.spark.options import SparkOptions
from translator.spark.preflight import check_java, check_master, check_options, check_servers


@pytest.fixture
def closed_port() -> int:
    """A port of this machine where nothing listens."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


@pytest.fixture
def open_port() -> Iterator[int]:
    """A port of this machine where a server listens."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made.getsockname()[1]


@pytest.mark.parametrize(
    "master",
    [
        *("local", "local[4]", "local[*]", "local[*,3]", "local-cluster[2,1,1024]"),
        *("yarn", "k8s://https://host:6443"),
    ],
)
def test_masters_that_need_no_server_here(master: str) -> None:
    """Every form that Spark knows is taken."""
    check_master(master)


@pytest.mark.parametrize(
    ("master", "problem"),
    [
        ("spak://127.0.0.1:7077", "is not the URL of a Spark master: give local[N], spark://HOST"),
        ("http://127.0.0.1:8080", "is not the URL of a Spark master"),
        ("local[x]", "is not the URL of a Spark master"),
        ("127.0.0.1:7077", "is not the URL of a Spark master"),
        ("spark://", "is not the URL of a Spark master"),
        ("spark://127.0.0.1", "127.0.0.1 is not HOST:PORT, such as 127.0.0.1:7077"),
        ("spark://127.0.0.1:70777", "127.0.0.1:70777 is not HOST:PORT"),
        ("spark://a b:7077", "a b:7077 is not HOST:PORT"),
    ],
)
def test_a_master_of_a_wrong_form(master: str, problem: str) -> None:
    """It is wrong usage, and the error shows the forms."""
    with pytest.raises(click.ClickException) as error:
        check_master(master)
    assert problem in error.value.message
    assert error.value.exit_code == 2


def test_a_master_that_does_not_answer(closed_port: int) -> None:
    """The error has the address, the reason and what to do."""
    url = f"spark://127.0.0.1:{closed_port}"
    with pytest.raises(SparkFailure) as error:
        check_options(SparkOptions(url))
    assert error.value.message == (
        f"no Spark master answers at {url} (127.0.0.1:{closed_port}: connection refused). Start "
        "the master (sbin/start-master.sh of Spark), or give the URL that its log and its web "
        "page show"
    )
    assert error.value.exit_code == 3


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (socket.gaierror(-2, "Name or service not known"), "the name far is not known"),
        (TimeoutError(), "no answer within 3 seconds"),
        (OSError(113, "No route to host"), "no route to host"),
    ],
)
def test_every_master_is_asked(
    error: OSError, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure has the reason of each server."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(socket, "create_connection", fail)
    with pytest.raises(SparkFailure) as raised:
        check_master("spark://far:7077,far:7078")
    assert f"(far:7077: {problem}; far:7078: {problem})" in raised.value.message


def test_the_master_of_an_option_counts(closed_port: int) -> None:
    """`--spark-conf spark.master` has the last word, as in Spark."""
    conf = (("spark.master", f"spark://127.0.0.1:{closed_port}"),)
    with pytest.raises(SparkFailure, match="no Spark master answers"):
        check_options(SparkOptions("local", conf=conf))


def test_one_master_of_several_is_enough(open_port: int, closed_port: int) -> None:
    """A standby master takes over."""
    check_master(f"spark://127.0.0.1:{closed_port},127.0.0.1:{open_port}")


def test_a_name_node_that_does_not_answer(open_port: int, closed_port: int) -> None:
    """Input and output in HDFS need its name node; other names are not asked."""
    check_servers([f"hdfs://127.0.0.1:{open_port}/a", "hdfs:///a", "s3a://b/c", "", "a:b", "hdfs"])
    with pytest.raises(click.ClickException, match=r"hdfs://127\.0\.0\.1:\d+ \(connection refused"):
        check_servers([f"hdfs://127.0.0.1:{closed_port}/a"])


JAVA_17 = 'echo "openjdk version \\"17.0.15\\" 2025-04-15" >&2'
JAVA_8 = 'echo "java version \\"1.8.0_402\\"" >&2'
BROKEN = 'echo "Error: could not find libjava.so" >&2; exit 1'


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (JAVA_17, None),
        ('echo "openjdk version \\"25-ea\\"" >&2', None),
        ("echo something new", None),
        (JAVA_8, "but {home}/bin/java is Java 8: install it, or set JAVA_HOME to its folder"),
        ('echo "openjdk version \\"11.0.2\\"" >&2', "but {home}/bin/java is Java 11"),
        (BROKEN, "but {home}/bin/java does not work (Error: could not find libjava.so)"),
        (None, "but JAVA_HOME is {home}, where no bin/java is"),
    ],
)
def test_java(
    script: str | None, problem: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Java that is missing, too old or broken is named with its path."""
    if script is not None:
        java = tmp_path / "bin" / "java"
        java.parent.mkdir()
        java.write_text(f"#!/bin/sh\n{script}\n")
        java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    if problem is None:
        check_java()
        return
    with pytest.raises(click.ClickException) as error:
        check_java()
    assert error.value.message.startswith("--engine spark needs Java 17 or newer, but ")
    assert problem.format(home=tmp_path) in error.value.message


def test_no_java_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without JAVA_HOME the program is looked for in the PATH."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    with pytest.raises(click.ClickException, match="but no program java is found: install it"):
        check_java()
