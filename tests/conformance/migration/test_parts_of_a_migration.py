"""The differences of two projects do not depend on the parts in which people are compared."""

import json
import pickle
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.corpus.synth import synth
from conformance.migration.connected_ids import ConnectedIds
from conformance.migration.contents import ProjectContents, SideOptions
from conformance.migration.delivery import deliver_corpus
from conformance.migration.differences.comparison import compare, settle
from conformance.migration.differences.counting import ExactSum, ProjectDifferences
from conformance.migration.report import html
from conformance.migration.result import Migration
from conformance.migration.spark_engine import (
    BothSides,
    ScannedBlock,
    _add,
    _planned,
    _spread,
    compare_messages,
    scan_blocks,
)
from conformance.regression.differences.counts import DiffCounts
from conformance.regression.redaction import SecretFilter
from conformance.regression.report.approvals import match_approvals
from conformance.regression.sides.refs import STAND_IN_SETTINGS, parse_ref
from translator.spark.corpus import LineBlock

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = date(2026, 6, 15)
OPTIONS = SideOptions(STAND_IN_SETTINGS, None, NOW, {})
BOTH = BothSides(
    (parse_ref("rules:observed"), parse_ref("tree")), (OPTIONS, OPTIONS), SecretFilter([])
)
LINES = [json.dumps(message).encode() for message in synth(300, seed=7)]
# Events without an id have one person in Mixpanel, wherever they are in the corpus.
LIBRARY = {"library": {"name": "analytics-android"}}
WITHOUT_ID = {"type": "track", "channel": "client", "event": "Seen", "context": LIBRARY}
LINES[20] = LINES[280] = json.dumps(WITHOUT_ID).encode()


class Shared:
    """Stands for a broadcast variable of Spark."""

    def __init__(self, value: object) -> None:
        self.value = value


def report(found: ProjectDifferences, contents: ProjectContents) -> tuple[str, str]:
    """The report as JSON text and as a page."""
    approvals = match_approvals(found.counts, [], DAY)
    migration = Migration("old", "new", found, approvals, contents, {}, ("f",), DAY)
    return json.dumps(migration.as_json()), html(migration)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The report of the local engine."""
    file = tmp_path_factory.mktemp("corpus") / "f"
    file.write_bytes(b"".join(line + b"\n" for line in LINES))
    old, new = (deliver_corpus(ref, [str(file)], OPTIONS) for ref in BOTH.refs)
    text, page = report(compare(old, new, BOTH.redact), old)
    return text.replace(str(file), "f"), page.replace(str(file), "f")


def in_parts(blocks: list[LineBlock], parts: int, order: random.Random) -> tuple[str, str]:
    """The report of the engine on Spark, with these blocks and parts, added in any order."""

    order.shuffle(blocks)
    scanned: list[ScannedBlock] = [
        pickle.loads(value) for block in blocks for _, value in scan_blocks(iter([block]), BOTH)
    ]
    plan, summary = _planned(iter(scanned))
    plan = plan._replace(parts=parts)
    rows = [row for block in scanned for row in _spread(block, Shared(plan))]
    total = ProjectDifferences(DiffCounts())
    numbers = list(range(parts))
    order.shuffle(numbers)
    for number in numbers:
        own = sorted(row for row in rows if row[0][0] == number)
        for found in compare_messages(own, BOTH, summary):
            total = _add(total, found)
    settle(total, summary.counters, BOTH.redact)
    return report(total, summary)


@settings(max_examples=4, deadline=None)
@given(
    cuts=st.sets(st.integers(1, len(LINES) - 1), max_size=4),
    parts=st.integers(1, 5),
    order=st.randoms(use_true_random=False),
)
def test_a_report_does_not_depend_on_the_parts(
    cuts: set[int], parts: int, order: random.Random, whole: tuple[str, str]
) -> None:
    """Any blocks, spread over any number of workers, give the report of the local engine."""
    bounds = [0, *sorted(cuts), len(LINES)]
    blocks = [
        LineBlock(0, "f", start + 1, start, LINES[start:end]) for start, end in pairwise(bounds)
    ]
    assert in_parts(blocks, parts, order) == whole


@given(
    links=st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"))),
    order=st.randoms(use_true_random=False),
)
def test_connected_ids_do_not_depend_on_the_order(
    links: list[tuple[str, str]], order: random.Random
) -> None:
    """Two ids have the same root exactly if a chain of links leads from one to the other."""

    def reached(name: str) -> Iterator[str]:
        found, waiting = {name}, [name]
        while waiting:
            each = waiting.pop()
            yield each
            near = {b if a == each else a for a, b in links if each in (a, b)} - found
            found |= near
            waiting += near

    connected = ConnectedIds()
    for link in order.sample(links, len(links)):
        connected.connect(link)
    expected = {name: min(reached(name)) for name in "abcdefgh"}
    assert {name: connected.root(name) for name in "abcdefgh"} == expected
    assert dict(connected.links()) == {a: b for a, b in expected.items() if a != b}


@given(numbers=st.lists(st.floats(-1e12, 1e12) | st.integers()), cut=st.integers(0, 10))
def test_a_sum_does_not_depend_on_the_order(numbers: list[float], cut: int) -> None:
    """Parts of a sum add up to the same number, however they are rounded in between."""
    one, two, whole = ExactSum(), ExactSum(), ExactSum()
    one.add(numbers[:cut])
    two.add(numbers[cut:])
    two.merge(one)
    whole.add(reversed(numbers))
    assert (two.count, two.value) == (len(numbers), whole.value)
