"""The differences of two projects do not depend on the parts in which people are compared."""

import json
import pickle
import random
from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.corpus.entries import CorpusEntry
from conformance.corpus.synth import synth
from conformance.migration import delivery, spark_engine
from conformance.migration.connected_ids import ConnectedIds, ids_in
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
from conformance.regression.sides.side import OurSide
from conformance.spec.scenarios.loading import Json
from tests.conformance.drivers.migrating import STYLES, styled
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
# Mixpanel compares ids as text, so each pair is one person.
PAIRS = ((7.0, "7"), (8.0, "8"), (True, "true"), (1e21, f"1{'0' * 21}"))
for place, pair in enumerate(PAIRS):
    for start, user in zip((40, 250), pair, strict=True):
        message = {"type": "track", "userId": user, "event": "Seen"}
        LINES[start + place] = json.dumps(message).encode()


# Two kinds of groups, with the traits that name them.
for place, kind in ((30, "company"), (90, "team"), (150, "company")):
    group = {"type": "group", "userId": "u", "groupId": kind, "traits": {kind: f"{kind} {place}"}}
    LINES[place] = json.dumps(group).encode()


class StyledSide(OurSide):
    """Our translator, whose new side answers in another style."""

    style = STYLES["lost_property"]

    def answers(self, entries: Sequence[CorpusEntry], settings: Json, now: datetime) -> list[Json]:
        found = super().answers(entries, settings, now)
        if self._ref.name == "tree":
            # The answers of a translator share values.
            found = deepcopy(found)
            for answer in found:
                answer["operations"] = styled(answer["operations"], StyledSide.style)
        return found


class Shared:
    """Stands for a broadcast variable of Spark."""

    def __init__(self, value: object) -> None:
        self.value = value


def report(found: ProjectDifferences, contents: ProjectContents) -> tuple[str, str]:
    """The report as JSON text and as a page."""
    approvals = match_approvals(found.counts, [], DAY)
    migration = Migration("old", "new", found, approvals, contents, {}, ("f",), DAY)
    return json.dumps(migration.as_json()), html(migration)


def in_one(both: BothSides, folder: Path) -> tuple[str, str]:
    """The report of the local engine."""
    file = folder / "f"
    file.write_bytes(b"".join(line + b"\n" for line in LINES))
    old, new = (
        deliver_corpus(ref, [str(file)], options)
        for ref, options in zip(both.refs, both.options, strict=True)
    )
    text, page = report(compare(old, new, both.redact), old)
    return text.replace(str(file), "f"), page.replace(str(file), "f")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The report of the local engine for two rule sets."""
    return in_one(BOTH, tmp_path_factory.mktemp("corpus"))


def in_blocks(cuts: Collection[int]) -> list[LineBlock]:
    """The corpus in blocks, cut before these lines."""
    bounds = [0, *sorted(cuts), len(LINES)]
    return [
        LineBlock(0, "f", start + 1, start, LINES[start:end]) for start, end in pairwise(bounds)
    ]


def in_parts(
    both: BothSides, blocks: list[LineBlock], parts: int, order: random.Random
) -> tuple[str, str]:
    """The report of the engine on Spark, with these blocks and parts, added in any order."""

    order.shuffle(blocks)
    scanned: list[ScannedBlock] = [
        pickle.loads(value) for block in blocks for _, value in scan_blocks(iter([block]), both)
    ]
    plan, summary = _planned(iter(scanned))
    plan = plan._replace(parts=parts)
    rows = [row for block in scanned for row in _spread(block, Shared(plan))]
    total = ProjectDifferences(DiffCounts())
    numbers = list(range(parts))
    order.shuffle(numbers)
    for number in numbers:
        own = sorted(row for row in rows if row[0][0] == number)
        for found in compare_messages(own, both, summary):
            total = _add(total, found)
    settle(total, summary.counters, both.redact)
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
    assert in_parts(BOTH, in_blocks(cuts), parts, order) == whole


@pytest.mark.parametrize(
    ("style", "identity", "sentence"),
    [
        ("other_region", "simplified", "only the old project joins the ids, by $create_"),
        ("doubled_events", "legacy", "are stored twice instead of once"),
        ("prefixed_names", "legacy", 'renamed: prefix \\"app: \\" added: '),
        ("swapped_groups", "legacy", "company -> team"),
        ("prefixed_ids", "legacy", 'prefix \\"user:\\" added'),
        ("other_region", "legacy", "us -> eu"),
    ],
)
def test_causes_do_not_depend_on_the_parts(
    style: str, identity: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What many differences have in common is found alike in one part and in several."""
    settings = {**STAND_IN_SETTINGS, "people": True, "groupIdentifierTraits": ["company", "team"]}
    sides = [SideOptions(settings, None, NOW, {"identity": each}) for each in ("legacy", identity)]
    refs = parse_ref("rules:documented"), parse_ref("tree")
    both = BothSides(refs, (sides[0], sides[1]), SecretFilter([]))
    monkeypatch.setattr(StyledSide, "style", STYLES[style])
    for module in (delivery, spark_engine):
        monkeypatch.setattr(module, "opened", StyledSide)
    found = in_one(both, tmp_path)
    assert sentence in found[0]
    assert in_parts(both, in_blocks([40, 170]), 3, random.Random(1)) == found


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


def test_ids_are_the_text_that_mixpanel_compares() -> None:
    """A number or truth value and its text are one id."""
    for pair in PAIRS:
        payloads = [{"properties": {"distinct_id": each}} for each in pair]
        answers = [{"operations": [{"payload": each}]} for each in payloads]
        assert ids_in(answers) == [pair[1]]


@given(numbers=st.lists(st.floats(-1e12, 1e12) | st.integers()), cut=st.integers(0, 10))
def test_a_sum_does_not_depend_on_the_order(numbers: list[float], cut: int) -> None:
    """Parts of a sum add up to the same number, however they are rounded in between."""
    one, two, whole = ExactSum(), ExactSum(), ExactSum()
    one.add(numbers[:cut])
    two.add(numbers[cut:])
    two.merge(one)
    whole.add(reversed(numbers))
    assert (two.count, two.value) == (len(numbers), whole.value)
