"""A corpus in several files, and Spark in this process. `nox -s spark` runs these tests."""

import gzip
import json
import os
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.corpus.synth import synth
from tests.clients.needs import absent, program, python_client

PARTITION_BYTES = 250_000
"""Spark reads files in blocks of this size, so that small files have several."""


@pytest.fixture(scope="session", autouse=True)
def needs() -> None:
    """Spark needs Java 17 and its Python packages."""
    for module in ("pyspark", "pandas", "pyarrow"):
        python_client(module)
    program("java")
    os.environ["PYSPARK_PYTHON"] = sys.executable


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory, needs: None) -> Path:
    """A folder with plain, gzip and zstd files, bad lines, a byte order mark, and odd names."""
    try:
        import zstandard
    except ImportError as error:
        absent(f"{error}; nox installs it")
    folder = tmp_path_factory.mktemp("corpus")
    lines = [json.dumps(each).encode() + b"\n" for each in synth(1500, seed=5)]
    bad = b"not JSON\n\n \n\xff\xfe\n[1]\n" + b'{"type": "track", "event": "CR", "userId": "u"}\r\n'
    (folder / "a.jsonl").write_bytes(b"".join(lines[:800]) + bad)
    (folder / "b c[1]%20{x}.gz").write_bytes(gzip.compress(b"".join(lines[800:1000])))
    (folder / "c.jsonl.zst").write_bytes(
        zstandard.compress(BOM_UTF8 + b"\n" + b"".join(lines[1000:1200]))
    )
    (folder / "d.jsonl").write_bytes(b"".join(lines[1200:]).removesuffix(b"\n"))
    return folder


@pytest.fixture(scope="module")
def session(needs: None) -> Iterator[Any]:
    """Spark with two cores in this process. Commands in this process use it."""
    from pyspark.sql import SparkSession

    made = (
        SparkSession.builder.master("local[2]")
        .appName("tests")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "3")
        .config("spark.sql.files.maxPartitionBytes", str(PARTITION_BYTES))
        .config("spark.sql.files.openCostInBytes", "1")
        .getOrCreate()
    )
    yield made
    made.stop()
