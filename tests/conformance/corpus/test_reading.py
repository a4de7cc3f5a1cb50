"""Corpora are read from any kind of file, in order, with the right line numbers."""

import gzip
import io
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard

from conformance.corpus import reading
from conformance.corpus.reading import STDIN, corpus_bytes, corpus_files, read_corpus
from conformance.errors import DataError, UsageError

TEXT = b'{"a": 1}\n\n{"b": 2}\n  \n{"c": 3}'
LINES = [(1, b'{"a": 1}'), (3, b'{"b": 2}'), (5, b'{"c": 3}')]


def numbered(*names: str) -> list[tuple[int, bytes]]:
    return [line for chunk in read_corpus(names) for line in chunk.lines()]


@pytest.mark.parametrize(
    "data",
    [
        TEXT,
        gzip.compress(TEXT),
        gzip.compress(TEXT[:10]) + gzip.compress(TEXT[10:]),
        zstandard.compress(TEXT),
        zstandard.compress(TEXT[:10]) + zstandard.compress(TEXT[10:]),
    ],
    ids=["plain", "gzip", "gzip in parts", "zstd", "zstd in frames"],
)
@pytest.mark.parametrize("source", ["file", "stdin"])
def test_compression(
    data: bytes, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain, gzip and zstd are told apart by their first bytes, from a file and from a pipe."""
    name = STDIN
    if source == "file":
        (tmp_path / "corpus").write_bytes(data)
        name = str(tmp_path / "corpus")
    else:
        stdin = io.TextIOWrapper(io.BytesIO(data))
        monkeypatch.setattr(sys, "stdin", stdin)
    assert numbered(name) == LINES


def test_line_numbers_go_on_from_chunk_to_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large file comes in several chunks of whole lines."""
    file = tmp_path / "corpus"
    file.write_bytes(b"".join(b'{"n": %d}\n' % number for number in range(200_000)))
    chunks = list(read_corpus([str(file)]))
    assert len(chunks) > 1
    assert list(range(1, 200_001)) == [n for chunk in chunks for n, _ in chunk.lines()]
    assert all(chunk.data.endswith(b"\n") for chunk in chunks)
    positions = [chunk.position for chunk in chunks]
    assert sorted(positions) == positions
    assert file.stat().st_size == positions[-1] == corpus_bytes([str(file)])


def test_several_files_and_globs(tmp_path: Path) -> None:
    """Files keep the order in which they are named, those of a glob that of their names."""
    for name in ("b.jsonl", "a.jsonl", "sub/c.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    named = [str(tmp_path / "sub" / "c.jsonl"), str(tmp_path / "*.jsonl")]
    expected = [str(tmp_path / name) for name in ("sub/c.jsonl", "a.jsonl", "b.jsonl")]
    assert corpus_files(named) == expected
    assert len(corpus_files([str(tmp_path / "**" / "*.jsonl")])) == 3
    assert corpus_bytes(expected) == 6
    assert None is corpus_bytes([*expected, STDIN])


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], "--corpus is missing"),
        (["nowhere.jsonl"], "--corpus nowhere.jsonl: there is no such file"),
        (["nowhere/*.jsonl"], "there is no such file"),
        ([STDIN, STDIN], "--corpus - can be given once only"),
    ],
)
def test_names_that_stand_for_nothing(names: list[str], text: str) -> None:
    """A name or a glob without a file is an error, not an empty corpus."""
    with pytest.raises(UsageError, match=re.escape(text)):
        corpus_files(names)


def test_a_folder(tmp_path: Path) -> None:
    """A folder includes all files below it, except marker files and hidden ones."""
    for name in ("2/b.gz", "1/a.gz", "1/.c.gz", "_tmp/d.gz", "_SUCCESS", ".hidden"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / "in" / name).write_bytes(gzip.compress(b"{}"))
    (tmp_path / "empty").mkdir()
    found = corpus_files([str(tmp_path / "in")])
    assert found == [str(tmp_path / "in" / name) for name in ("1/a.gz", "2/b.gz")]
    assert corpus_files([str(tmp_path / "in" / "[0-9]")]) == found
    with pytest.raises(UsageError, match="empty: the folder has no files"):
        corpus_files([str(tmp_path / "empty")])


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_a_file_that_ends_early(compress: Any, tmp_path: Path) -> None:
    """A compressed file that was cut is an error that names it: what is missing may matter."""
    data: bytes = compress(b"".join(b"%d" % (number**9) for number in range(99_999)) + b"\n")
    (tmp_path / "cut").write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="cut: cannot be read to its end"):
        numbered(str(tmp_path / "cut"))


def test_zstd_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package the error says what to install."""
    monkeypatch.setitem(sys.modules, "zstandard", None)
    (tmp_path / "corpus").write_bytes(zstandard.compress(TEXT))
    with pytest.raises(DataError, match=re.escape("pip install 'mockpanel[zstd]'")):
        numbered(str(tmp_path / "corpus"))


def test_an_empty_file(tmp_path: Path) -> None:
    """It has no lines."""
    (tmp_path / "corpus").touch()
    assert numbered(str(tmp_path / "corpus")) == []
    assert reading.corpus_bytes([str(tmp_path / "corpus")]) == 0
