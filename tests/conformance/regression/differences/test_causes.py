"""Between two of our own variants every change has a name: a rule, a setting, a mapping row."""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conformance.corpus.reading import Chunk
from conformance.regression.differences.causes import Causes
from conformance.regression.differences.changes import ChangeClass, changes
from conformance.regression.differences.comparison import ChunkComparer, DiffJob
from conformance.regression.differences.counts import DiffCounts
from conformance.regression.differences.groups import GroupKey
from conformance.regression.engine import opened
from conformance.regression.sides.refs import STAND_IN_SETTINGS, parse_ref
from conformance.regression.sides.variants import Variant, steps
from conformance.runner.captures.attribution import attribute
from conformance.runner.captures.cloud import Capture, load_captures
from conformance.runner.captures.mobile import FILES, MobileCapture, load_mobile_captures
from conformance.runner.captures.web import DeviceCapture, load_device_captures
from conformance.spec.data import read
from tests.thorough import share
from translator import PropertyMap, Rules, Settings

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
CAPTURE_LINES = read("captures", "cloud-classic.jsonl").encode().splitlines()
CAPTURES = list(zip(load_captures(), CAPTURE_LINES, strict=True))
DEVICE_LINES = read("captures", "device-web.jsonl").encode().splitlines()
DEVICE_CAPTURES = share(zip(load_device_captures(), DEVICE_LINES, strict=True), 0, 3)
MOBILE_LINES = [
    line for file in FILES.values() for line in read("captures", file).encode().splitlines()
]
MOBILE_CAPTURES = share(zip(load_mobile_captures(), MOBILE_LINES, strict=True), 0, 3)


def comparer(old: str, new: str) -> ChunkComparer:
    job = DiffJob(parse_ref(old), parse_ref(new), STAND_IN_SETTINGS, NOW, NOW)
    return ChunkComparer(job, opened(job.old), opened(job.new))


def counts(old: str, new: str, *messages: Any) -> DiffCounts:
    lines = b"\n".join(json.dumps(message).encode() for message in messages)
    return comparer(old, new).compare(Chunk("corpus", 1, lines, 0))


def groups_of(line: bytes, comparer: ChunkComparer) -> Collection[GroupKey]:
    """The groups of changes of a recorded line."""
    return comparer.compare(Chunk("captures", 1, line, 0)).groups.keys()


def causes_in(groups: Collection[GroupKey]) -> set[str]:
    """The causes that groups list."""
    return {cause for key in groups for cause in key.causes}


def explaining(capture: Capture | DeviceCapture | MobileCapture) -> set[str]:
    """The causes that explain a capture."""
    return {f"rule {rule}" for rule, _ in attribute(capture).changes}


@pytest.fixture(scope="module")
def rule_sets() -> ChunkComparer:
    return comparer("rules:observed", "rules:documented")


@pytest.mark.parametrize(
    ("capture", "line"), [pytest.param(*item, id=item[0].id) for item in CAPTURES]
)
def test_between_rule_sets_exactly_the_named_rules_are_listed(
    capture: Capture, line: bytes, rule_sets: ChunkComparer
) -> None:
    """For every capture, each change has one rule, and these are the rules that explain it."""
    groups = groups_of(line, rule_sets)
    listed, expected = causes_in(groups), explaining(capture)
    assert [key for key in groups if len(key.causes) != 1] == []
    if any(key.kind in (ChangeClass.FAILING, ChangeClass.UNFAILING) for key in groups):
        # Failing or not is one change; what else the answer would have had is not listed.
        assert len(groups) == 1
        assert listed <= expected
    else:
        assert listed == expected


@pytest.mark.parametrize(
    ("capture", "line"), [pytest.param(*item, id=item[0].id) for item in DEVICE_CAPTURES]
)
def test_between_rule_sets_so_are_those_of_a_browser(
    capture: DeviceCapture, line: bytes, rule_sets: ChunkComparer
) -> None:
    """For every recorded session, exactly the rules that explain it are listed."""
    assert causes_in(groups_of(line, rule_sets)) == explaining(capture)


@pytest.mark.parametrize(
    ("capture", "line"), [pytest.param(*item, id=item[0].id) for item in MOBILE_CAPTURES]
)
def test_between_rule_sets_so_are_those_of_an_app(
    capture: MobileCapture, line: bytes, rule_sets: ChunkComparer
) -> None:
    """For every recorded session of an app, only rules that explain it are listed."""
    listed, expected = causes_in(groups_of(line, rule_sets)), explaining(capture)
    assert listed <= expected
    assert bool(listed) == bool(expected)


@pytest.mark.parametrize(
    ("mode", "message", "operation"),
    [
        ("ios", {"type": "alias"}, "call createAlias"),
        ("android", {"type": "alias", "userId": "u", "integrations": {"All": "off"}}, "call alias"),
    ],
)
def test_a_session_of_an_app_names_its_mode(
    mode: str, message: dict[str, Any], operation: str
) -> None:
    """The key `mode` says which integration a session is replayed with."""
    found = counts("rules:observed", "rules:documented", {"session": [message], "mode": mode})
    assert [key.operation for key in found.groups] == [operation]


def test_a_session_follows_settings(tmp_path: Path) -> None:
    """Between two settings the calls of a session change, and the setting is named."""
    for name, people in (("old", True), ("new", False)):
        (tmp_path / name).write_text(json.dumps({"token": "T", "people": people}))
    found = counts(
        f"settings:{tmp_path / 'old'}",
        f"settings:{tmp_path / 'new'}",
        {"session": [{"type": "identify", "userId": "u", "traits": {"plan": "pro"}}]},
    )
    assert dict(found.causes) == {"setting people": 1}
    assert "call people.set" in {key.operation for key in found.groups}


def test_a_setting_is_a_cause(tmp_path: Path) -> None:
    """Between two settings files the keys that matter are named, the others are not."""
    for name, more in (("a", {}), ("b", {"people": False, "sourceName": "web", "projectId": 5})):
        (tmp_path / f"{name}.json").write_text(json.dumps({"token": "T", **more}))
    found = counts(
        f"settings:{tmp_path / 'a.json'}",
        f"settings:{tmp_path / 'b.json'}",
        {"type": "identify", "userId": "u", "traits": {"plan": "pro"}},
        {"type": "track", "userId": "u", "event": "Seen"},
    )
    source = "payload.properties.segment_source_name"
    assert set(found.groups) == {
        GroupKey(ChangeClass.REMOVED, "/engage $set", "", ("setting people",)),
        GroupKey(ChangeClass.SKIPPED, "message", "skipped.people_off", ("setting people",)),
        GroupKey(ChangeClass.ADDED, "event", source, ("setting sourceName",)),
    }


def test_a_mapping_row_is_a_cause(tmp_path: Path) -> None:
    """Between the tree and a mapping file its rows are named."""
    file = tmp_path / "mapping.yaml"
    file.write_text(
        "events: {$current_url: null, page: context.page.path}\n"
        "devices: {$os: null, os: context.os.name, $carrier: null}\n"
    )
    context = {"page": {"url": "https://a.example/p", "path": "/p"}, "os": {"name": "iOS"}}
    found = counts(
        "tree",
        f"mapping:{file}",
        {"type": "track", "userId": "u", "event": "Seen", "context": context},
    )
    place = "payload.properties"
    renamed = f"{place}.$os -> {place}.os"
    assert set(found.groups) == {
        GroupKey(
            ChangeClass.REMOVED, "event", f"{place}.$current_url", ("mapping events.$current_url",)
        ),
        GroupKey(ChangeClass.ADDED, "event", f"{place}.page", ("mapping events.page",)),
        GroupKey(
            ChangeClass.RENAMED, "event", renamed, ("mapping devices.$os", "mapping devices.os")
        ),
    }


def test_steps_lead_from_one_variant_to_the_other() -> None:
    """IntakeResult in order they end in the new variant; equal variants have none between them."""
    old = Variant(Settings(token="T"), Rules.observed())
    mapping = PropertyMap.from_json({"events": {"$device": None, "x": "context.a.b"}})
    new = Variant(Settings(token="T", people=False), Rules.documented(), mapping)
    variant = old
    for step in steps(old, new):
        variant = step.take(variant)
    assert new == variant
    assert steps(new, new) == ()
    backward = [step.name for step in steps(new, old)]
    assert {"setting people", "mapping events.$device", "rule insert_id"} <= set(backward)


def test_reasons_met_before_are_checked() -> None:
    """A message that looks like an earlier one but changed for another reason gets its own."""
    old = Variant(Settings(token="T"), Rules.observed())
    new = Variant(Settings(token="T"), Rules.documented())
    way = steps(old, new)[:3]

    def answer(value: str) -> dict[str, Any]:
        payload = {"event": "e", "properties": {"p": value}}
        return {"operations": [{"endpoint": "/track", "host": "h", "payload": payload}]}

    causes = Causes()
    for index, step in enumerate(way):
        follows = step.name.removeprefix("rule ")

        def translate(variant: Variant, rule: str = follows) -> dict[str, Any]:
            return answer("new" if variant.rules.follows_doc(rule) else "old")

        answers = answer("old"), answer("new")

        [caused] = causes.explain(changes(*answers), translate, old, way, answers)
        assert caused.causes == (way[index].name,)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2), (0, 0, 0, 1, 2, 3)])
def test_reasons_do_not_depend_on_earlier_messages(order: tuple[int, ...]) -> None:
    """A step whose change a later step replaces is a cause only where it changed something.

    A step that another one takes back is no cause.
    """
    old, new = (
        Variant(Settings(token="T"), Rules.observed()),
        Variant(Settings(token="T"), Rules.documented()),
    )
    way = steps(old, new)[:8]
    names = [step.name.removeprefix("rule ") for step in way]
    # Message -> the step after which its property has which value.
    values: list[dict[int, str]] = [
        {5: "new"},
        {2: "other", 5: "new"},
        {1: "other", 3: "old", 5: "new"},
        {0: "new", 6: "other", 7: "new"},
    ]

    def answer(value: str) -> dict[str, Any]:
        payload = {"event": "e", "properties": {"p": value}}
        operation = {"endpoint": "/track", "host": "h", "payload": payload}
        return {"operations": [operation], "skipped": [], "error": None}

    causes = Causes()
    found = {}
    for message in order:

        def translate(variant: Variant, message: int = message) -> dict[str, Any]:
            value = "old"
            for index, after in values[message].items():
                value = after if variant.rules.follows_doc(names[index]) else value
            return answer(value)

        answers = answer("old"), answer("new")
        [caused] = causes.explain(changes(*answers), translate, old, way, answers)
        found[message] = [way.index(step) for step in way if step.name in caused.causes]
    assert found == {0: [5], 1: [2, 5], 2: [5], 3: [0]}
