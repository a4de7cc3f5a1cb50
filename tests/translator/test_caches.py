"""The caches of the translator: they change the speed of a translation and nothing else."""

import copy
import json
from importlib.resources import files
from typing import Any

import pytest

from tests.translator.messages import NOW_MS, track
from tests.translator.test_purity import SETTINGS, containers
from translator import Rules
from translator.cloud.translate import translate_message
from translator.core.bounded_cache import MAX_KEY, BoundedCache
from translator.core.compiled_settings import CompiledSettings
from translator.core.properties.call_context import context_text

CAPTURES = files("conformance").joinpath("captures", "cloud-classic.jsonl").read_text("utf-8")
MESSAGES = [json.loads(line)["message"] for line in CAPTURES.splitlines()]


@pytest.mark.parametrize("rules", [Rules.documented(), Rules.observed()], ids=["doc", "seen"])
def test_a_result_does_not_depend_on_earlier_messages(rules: Rules) -> None:
    """Warm caches give the same text as no caches, for every message of the captures."""
    warm = CompiledSettings(SETTINGS, rules)
    for message in MESSAGES:
        translate_message(message, warm, NOW_MS)
    for message in MESSAGES:
        cold = translate_message(message, CompiledSettings(SETTINGS, rules), NOW_MS)
        found = translate_message(message, warm, NOW_MS)
        assert json.dumps(found.as_json()) == json.dumps(cold.as_json())


@pytest.mark.parametrize(
    "active", [1, 1.0, True, "1", 0, 0.0, -0.0, False, "", None, [], [1], {}, {"a": 1}]
)
def test_contexts_that_python_takes_as_equal_are_kept_apart(active: Any) -> None:
    """The values 1, 1.0 and true are equal in Python, but they are not the same JSON."""
    contexts = [{"screen": {"width": value}} for value in (1, 1.0, True, 0, 0.0, False, None)]
    contexts += [{"screen": {"width": active}}, {"active": active}]
    warm = CompiledSettings(SETTINGS, Rules.documented())
    for context in [*contexts, *contexts]:
        message = track(context=context)
        cold = translate_message(message, CompiledSettings(SETTINGS, Rules.documented()), NOW_MS)
        found = translate_message(message, warm, NOW_MS)
        assert json.dumps(found.as_json()) == json.dumps(cold.as_json())


@pytest.mark.parametrize("rules", [Rules.documented(), Rules.observed()], ids=["doc", "seen"])
@pytest.mark.parametrize("kind", ["track", "page", "identify"])
def test_messages_with_one_context_share_nothing(kind: str, rules: Rules) -> None:
    """The operations of two messages with the same lists in the context have copies of them."""
    compiled = CompiledSettings(SETTINGS, rules)
    odd = [1, [2]]
    context = {"ip": odd, "page": {"url": odd}, "os": {"name": odd}, "traits": {"plan": odd}}
    message = {**track(context=context), "type": kind, "name": "n"}
    results = [translate_message(message, compiled, NOW_MS) for _ in range(2)]
    payloads = [one.payload for result in results for one in result.operations]
    found = [identity for payload in payloads for identity, _ in containers(payload, "")]
    assert len(payloads) >= 2
    assert len(found) == len(set(found))


def test_a_context_is_worked_out_once() -> None:
    """The `ip` is no part of what is kept, a longer context than 4096 bytes is not kept."""
    compiled = CompiledSettings(SETTINGS, Rules.documented())
    for ip in ("192.0.2.1", "192.0.2.2"):
        translate_message(track(context={"ip": ip, "locale": "nl-NL"}), compiled, NOW_MS)
    assert list(compiled.contexts) == [context_text({"locale": "nl-NL"})]
    translate_message(track(context={"locale": "x" * MAX_KEY}), compiled, NOW_MS)
    assert list(compiled.contexts) == [context_text({"locale": "nl-NL"})]


def test_a_kept_context_shares_nothing_with_the_message() -> None:
    """A caller who changes a message afterwards does not change later results."""
    compiled = CompiledSettings(SETTINGS, Rules.documented())
    message = track(context={"traits": {"plan": "pro"}, "library": {"name": "x"}})
    before = translate_message(copy.deepcopy(message), compiled, NOW_MS)
    changed = copy.deepcopy(message)
    translate_message(changed, compiled, NOW_MS)
    changed["context"]["traits"]["plan"] = "free"
    changed["context"]["library"]["name"] = "y"
    assert len(compiled.contexts) == 1
    assert translate_message(message, compiled, NOW_MS) == before
    assert before.operations[0].payload["properties"]["plan"] == "pro"


@pytest.mark.parametrize("kind", ["track", "identify"])
def test_messages_with_the_same_fields_and_other_types(kind: str) -> None:
    """The type of each value decides if a field is valid, and if there is a reason for it."""
    compiled = CompiledSettings(SETTINGS, Rules.documented())
    codes: list[object] = []
    for value in ({"plan": "pro"}, None, "pro", {"plan": "pro"}):
        message = {**track(), "type": kind, "properties": value}
        result = translate_message(message, compiled, NOW_MS)
        unused = [one.code for one in result.skipped if one.code == "properties_not_used"]
        codes.append(result.error.code if result.error else unused)
    reported = ["properties_not_used"] if kind == "identify" else []
    assert codes == [reported, [], "invalid_field", reported]


def test_messages_with_very_many_fields_are_not_kept() -> None:
    """A name needs far more memory than its characters, so a cache also limits their number."""
    compiled = CompiledSettings(SETTINGS, Rules.documented())
    for count, kept in ((255, 1), (256, 1), (254, 2)):
        properties = {f"{number}": number for number in range(count)}
        translate_message({**track(), "properties": properties}, compiled, NOW_MS)
        assert len(compiled.property_names) == kept


def test_a_cache_is_bounded() -> None:
    """A full cache forgets its results; a result that it may not store is computed again."""
    computed: list[int] = []

    def half(number: int) -> int:
        computed.append(number)
        return number // 2

    cache = BoundedCache(half, entries=2, keeps=lambda number, result: result < 50)
    assert [cache[number] for number in (2, 2, 4, 100, 100, 6, 2)] == [1, 1, 2, 50, 50, 3, 1]
    assert computed == [2, 4, 100, 100, 6, 2]
    assert dict(cache) == {6: 3, 2: 1}
