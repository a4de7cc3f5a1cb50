"""The counts of a corpus do not depend on the parts in which it is compared."""

import json
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.corpus.reading import Chunk
from conformance.corpus.synth import synth
from conformance.regression import engine
from conformance.regression.differences import counts as counts_module
from conformance.regression.differences import groups as groups_module
from conformance.regression.differences.comparison import ChunkComparer, DiffJob
from conformance.regression.differences.counts import DiffCounts
from conformance.regression.engine import compare_corpus, opened
from conformance.regression.report.approvals import match_approvals
from conformance.regression.report.diff_files import html
from conformance.regression.report.result import DiffResult
from conformance.regression.sides.refs import STAND_IN_SETTINGS, parse_ref
from tests.thorough import times

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
JOB = DiffJob(
    parse_ref("rules:observed"), parse_ref("rules:documented"), STAND_IN_SETTINGS, None, NOW
)
BAD = (b"not JSON", b"[1]", b'{"session": 1}', b"")
FILES = 3


def corpus_lines() -> list[tuple[int, int, bytes]]:
    """The lines of a corpus of three files: the number of the file, of the line, and the line."""
    lines = [json.dumps(message).encode() for message in synth(360, seed=3)]
    for place in range(0, 360, 40):
        lines[place] = BAD[place // 40 % len(BAD)]
    size = len(lines) // FILES
    return [(n // size, n % size + 1, line) for n, line in enumerate(lines)]


LINES = corpus_lines()


def whole_lines(lines: Sequence[tuple[int, int, bytes]]) -> list[Chunk]:
    """Following lines of one file as one chunk each."""
    chunks: list[Chunk] = []
    for file, number, line in lines:
        last = chunks[-1] if chunks else None
        if last and last.file == file and last.first_line + last.data.count(b"\n") == number:
            chunks[-1] = last._replace(data=last.data + line + b"\n")
        else:
            chunks.append(Chunk(f"f{file}", number, line + b"\n", 0, file))
    return chunks


def counted(lines: Sequence[tuple[int, int, bytes]]) -> DiffCounts:
    """The counts of some lines, by a comparer that has seen no others."""
    comparer = ChunkComparer(JOB, opened(JOB.old), opened(JOB.new))
    total = DiffCounts()
    for chunk in whole_lines(lines):
        total.add(comparer.compare(chunk))
    return total


def report(counts: DiffCounts) -> tuple[str, str]:
    """The report as JSON text and as a page."""
    counts.settle()
    approvals = match_approvals(counts, [], date(2026, 6, 15))
    result = DiffResult(JOB, counts, approvals, ("f0", "f1", "f2"), date(2026, 6, 15))
    return json.dumps(result.as_json()), html(result)


def summed(parts: Sequence[DiffCounts], order: random.Random) -> DiffCounts:
    """The sum of the parts, added in any order and in any groups."""
    left = list(parts)
    while len(left) > 1:
        one, two = (left.pop(order.randrange(len(left))) for _ in range(2))
        one.add(two)
        left.append(one)
    return left[0]


@pytest.fixture(scope="module")
def whole() -> tuple[str, str]:
    return report(counted(LINES))


@settings(max_examples=times(5, 60), deadline=None)
@given(
    cuts=st.sets(st.integers(1, len(LINES) - 1), max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_a_report_does_not_depend_on_the_parts(
    cuts: set[int], order: random.Random, whole: tuple[str, str]
) -> None:
    """Any cut of a corpus into parts, summed in any order, gives the same report to the byte."""
    bounds = [0, *sorted(cuts), len(LINES)]
    parts = [counted(LINES[start:end]) for start, end in pairwise(bounds)]
    assert report(summed(parts, order)) == whole


@settings(max_examples=times(3, 30), deadline=None)
@given(order=st.randoms(use_true_random=False))
def test_parts_need_not_be_in_one_piece(order: random.Random, whole: tuple[str, str]) -> None:
    """Lines of several places may be in one part, as where small files are read together."""
    parts: list[list[tuple[int, int, bytes]]] = [[], [], []]
    for start in range(0, len(LINES), 30):
        order.choice(parts).extend(LINES[start : start + 30])
    assert report(summed([counted(part) for part in parts], order)) == whole


@settings(max_examples=times(3, 30), deadline=None)
@given(cut=st.integers(1, len(LINES) - 1), order=st.randoms(use_true_random=False))
def test_limits_do_not_depend_on_the_parts(cut: int, order: random.Random) -> None:
    """Also where there are more groups and events than are counted apart."""
    limits = {"KEPT_GROUPS": 12, "MAX_GROUPS": 8, "KEPT_EVENTS": 4, "MAX_EVENTS": 2}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in limits.items():
            module = counts_module if hasattr(counts_module, name) else groups_module
            patch.setattr(module, name, value)
        parts = [counted(LINES[:cut]), counted(LINES[cut:])]
        assert report(summed(parts, order)) == report(counted(LINES))


def test_the_local_engine_gives_that_report(
    tmp_path: Path, whole: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine gives the report of the parts: on one core and on two, in tasks of any size."""
    names = []
    for file in range(FILES):
        path = tmp_path / f"f{file}"
        path.write_bytes(b"".join(line + b"\n" for at, _, line in LINES if at == file))
        names.append(str(path))
    for workers, part in ((1, 8), (2, 8), (2, 1)):
        monkeypatch.setattr(engine, "TASK_PART", part)
        got = report(compare_corpus(names, JOB, workers=workers))
        assert tuple(text.replace(f"{tmp_path}/", "") for text in got) == whole
