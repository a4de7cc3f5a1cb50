"""Checks before Spark starts: a problem is named within seconds, in words of the command line.

Spark itself needs up to a minute and a half to give up on a server that does not answer.
"""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from translator.options import usage_error
from translator.spark.failures import SparkFailure
from translator.spark.options import SparkOptions, is_url

CONNECT_SECONDS = 3
"""How long a server may take to accept a connection."""

OLDEST_JAVA = 17
"""Spark 4 needs it."""

_MASTER = re.compile(
    r"local(\[(\d+|\*)(,\s*\d+)?\])?|local-cluster\[.+\]|yarn|k8s://.+|spark://(?P<servers>.+)"
)
_SERVER = re.compile(r"\[?(?P<host>[^\[\],/\s]+?)\]?:(?P<port>\d{1,5})")
_JAVA_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


def check_options(options: SparkOptions) -> None:
    """Check the master of the command line, and Java.

    Ends the program with status 2 for a URL that is not one of a master and for Java that is
    missing or too old. Raises SparkFailure if no master accepts a connection.
    """
    check_java()
    given = {"spark.master": options.master, **dict(options.conf)}
    if master := given["spark.master"]:
        check_master(master)


def check_java() -> None:
    """End the program with status 2 if there is no Java that Spark can use."""
    wanted = f"--engine spark needs Java {OLDEST_JAVA} or newer"
    remedy = "install it, or set JAVA_HOME to its folder"
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(str(Path(home, "bin", "java")) if home else "java")
    if java is None:
        where = f"JAVA_HOME is {home}, where no bin/java is" if home else "no program java is found"
        usage_error(f"{wanted}, but {where}: {remedy}")
    try:
        ran = subprocess.run(  # noqa: S603 - the Java that Spark runs, too
            [java, "-version"], capture_output=True, text=True, timeout=20
        )
    except subprocess.TimeoutExpired:
        return  # a busy machine
    except OSError as error:
        usage_error(f"{wanted}, but {java} cannot be run ({error.strerror}): {remedy}")
    said = ran.stderr or ran.stdout
    found = _JAVA_VERSION.search(said)
    if ran.returncode:
        first = next(iter(said.splitlines()), f"exit status {ran.returncode}")
        usage_error(f"{wanted}, but {java} does not work ({first}): {remedy}")
    if found and int(found[1]) < OLDEST_JAVA:
        usage_error(f"{wanted}, but {java} is Java {found[1]}: {remedy}")


def check_master(master: str) -> None:
    """Check the form of a master's URL, and that a standalone master accepts a connection."""
    matched = _MASTER.fullmatch(master)
    if matched is None:
        usage_error(
            f"--master {master} is not the URL of a Spark master: give local[N],"
            " spark://HOST:PORT, yarn or k8s://HOST:PORT"
        )
    if not matched["servers"]:
        return
    problems = []
    for text in matched["servers"].split(","):
        server = _SERVER.fullmatch(text)
        if server is None or int(server["port"]) > 65_535:
            usage_error(f"--master {master}: {text} is not HOST:PORT, such as 127.0.0.1:7077")
        problem = connection_problem(server["host"], int(server["port"]))
        if problem is None:
            return
        problems.append(f"{text}: {problem}")
    raise SparkFailure(
        f"no Spark master answers at {master} ({'; '.join(problems)}). Start the master"
        " (sbin/start-master.sh of Spark), or give the URL that its log and its web page show"
    )


def check_servers(names: Iterable[str]) -> None:
    """End the program with status 2 if a name node of HDFS does not accept a connection."""
    asked = set()
    for name in names:
        if not (is_url(name) and name.startswith("hdfs://")):
            continue
        with suppress(ValueError):
            url = urlsplit(name)
            if url.hostname and url.port:
                asked.add((url.hostname, url.port))
    for host, port in sorted(asked):
        if problem := connection_problem(host, port):
            usage_error(
                f"no name node of HDFS answers at hdfs://{host}:{port} ({problem}): start it, or"
                " give the address that fs.defaultFS has in core-site.xml"
            )


def connection_problem(host: str, port: int) -> str | None:
    """Why a server accepts no connection; None if it does."""
    try:
        with socket.create_connection((host, port), CONNECT_SECONDS):
            return None
    except socket.gaierror:
        return f"the name {host} is not known"
    except TimeoutError:
        return f"no answer within {CONNECT_SECONDS} seconds"
    except OSError as error:
        return (error.strerror or str(error)).lower()
