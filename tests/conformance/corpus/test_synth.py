"""Made-up traffic: the same for a seed, varied, and of every kind that matters."""

import gzip
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
import zstandard
from click.testing import CliRunner

from conformance.cli import main
from conformance.corpus.hostile import TIMES
from conformance.corpus.synth import START, synth
from tests.command import run_here
from translator import Settings, translate
from translator.core.values.timestamps import iso_to_ms

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
CALLS = {"track", "page", "screen", "identify", "group", "alias"}


@pytest.fixture(scope="module")
def messages() -> list[dict[str, Any]]:
    return list(synth(20_000, seed=1))


def test_a_seed_gives_the_same_to_the_byte(tmp_path: Path) -> None:
    """In two processes, whatever hashes are made of; another seed gives something else."""
    written: list[bytes] = []
    words = ["corpus", "synth", "--messages", "1000"]
    for hash_seed in ("1", "2"):
        file = tmp_path / hash_seed
        command = [sys.executable, "-m", "conformance", *words, "--seed", "7", "-o", str(file)]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed})
        written.append(file.read_bytes())
    assert written[0].count(b"\n") == 1000
    assert written[0] == written[1]
    other = run_here(main, *words, "--seed", "8", "-o", tmp_path / "other")
    assert other.returncode == 0
    assert (tmp_path / "other").read_bytes() != written[0]


def test_fewer_messages_are_the_beginning_of_more() -> None:
    """A corpus can be made longer without changing what is there."""
    assert list(synth(100, seed=1)) == list(islice(synth(500, seed=1), 100))


def test_every_call_and_every_platform(messages: list[dict[str, Any]]) -> None:
    """All six calls come, from browsers, phones and servers, and none is rare."""
    kinds = Counter(str(message.get("type")) for message in messages)
    assert set(kinds) > CALLS
    assert min(kinds[call] for call in CALLS) > 200
    libraries: Counter[Any] = Counter()
    for message in messages:
        context = message.get("context")
        library = context.get("library") if isinstance(context, dict) else None
        libraries[library.get("name") if isinstance(library, dict) else None] += 1
    names = ("analytics.js", "analytics-ios", "analytics-android", "@segment/analytics-node")
    assert min(libraries[name] for name in names) > 200


def test_people_come_back_and_sign_up(messages: list[dict[str, Any]]) -> None:
    """An alias joins an anonymous id, seen before, to a user id that is used afterwards."""
    aliases = [message for message in messages if message["type"] == "alias"]
    before = {message.get("anonymousId") for message in messages if isinstance_text(message)}
    after = Counter(str(message.get("userId")) for message in messages)
    joined = [
        alias
        for alias in aliases
        if alias.get("previousId") in before and after[str(alias.get("userId"))] > 1
    ]
    assert len(joined) > 0.8 * len(aliases)


def isinstance_text(message: dict[str, Any]) -> bool:
    return isinstance(message.get("anonymousId"), str)


def test_time_goes_on(messages: list[dict[str, Any]]) -> None:
    """Messages arrive in order; a few are old when they do."""
    sent = [message["sentAt"] for message in messages]
    assert all(one <= two for one, two in pairwise(sent))
    times = [message.get("timestamp") for message in messages]
    old = [time for time in times if isinstance(time, str) and "2020" < time < "2026-06-01"]
    assert len(old) > 20


def test_every_call_of_a_browser_has_its_page(messages: list[dict[str, Any]]) -> None:
    """analytics.js puts `context.page` into every call, so do we, and nothing else has one."""
    calls = list(synth(5_000, seed=1, clean=True))
    with_page = [call for call in calls if "page" in call["context"]]
    browsers = [c for c in calls if c["context"]["library"]["name"] == "analytics.js"]
    assert with_page == browsers
    assert {"track", "identify", "page", "alias", "group"} <= {call["type"] for call in browsers}
    assert {tuple(call["context"]["page"]) for call in browsers} == {
        ("path", "referrer", "search", "title", "url")
    }


UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
MESSAGE_IDS = {
    "analytics.js": rf"ajs-next-\d{{13}}-{UUID}",
    "@segment/analytics-node": rf"node-next-\d{{13}}-{UUID}",
    "analytics-ios": UUID.replace("a-f", "A-F").replace("ab]", "AB]"),
}


def test_ids_have_the_form_that_libraries_make() -> None:
    """Message ids and anonymous ids are those of analytics.js, analytics-node, iOS and others."""
    seen = set()
    for call in synth(5_000, seed=1, clean=True):
        library = call["context"]["library"]["name"]
        seen.add(library)
        assert re.fullmatch(MESSAGE_IDS.get(library, UUID), call["messageId"])
        if "anonymousId" in call:
            assert re.fullmatch(UUID, call["anonymousId"])
    assert seen == {
        *MESSAGE_IDS,
        "analytics-android",
        "analytics-python",
        "analytics-ruby",
    }


def test_times_with_offsets_and_dates_before_1970() -> None:
    """Offsets come in all forms of ISO 8601; accounts, companies and people are older than 1970."""
    calls = list(synth(20_000, seed=1, clean=True))
    for zone in ("+02:00", "-0800", "+0530", "+09"):
        stamped = [call for call in calls if call["timestamp"].endswith(zone)]
        assert len(stamped) > 100
        assert {
            (iso_to_ms(call["timestamp"]), call["timestamp"] != call["originalTimestamp"])
            for call in stamped
        } == {(iso_to_ms(call["originalTimestamp"]), True) for call in stamped}
    traits = [call["traits"] for call in calls if call["type"] in ("identify", "group")]
    for name in ("createdAt", "created_at", "created", "birthday"):
        old = [each[name] for each in traits if str(each.get(name, "2")) < "1970"]
        assert len([value for value in old if isinstance(value, str)]) > 20
    assert any("+05:45" in str(each.get("createdAt")) for each in traits)


@pytest.mark.parametrize("broken", ["offset without a colon", "before 1970"])
def test_a_translator_that_cannot_read_such_times_is_seen(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clean traffic shows a translator that refuses `+0530`, and one that drops old dates."""
    settings = Settings(token="T", people=True)
    messages = list(synth(1_000, seed=1, clean=True))
    now = START + timedelta(hours=1)
    right = [translate(message, settings, now=now).as_json() for message in messages]

    def iso(text: str) -> int | None:
        if broken == "offset without a colon":
            return None if re.search(r"[+-]\d{4}$", text[10:]) else iso_to_ms(text)
        found = iso_to_ms(text)
        return None if found is not None and found < 0 else found

    monkeypatch.setattr("translator.core.values.timestamps.iso_to_ms", iso)
    monkeypatch.setattr("translator.core.values.json_values.iso_to_ms", iso)
    wrong = [translate(message, settings, now=now).as_json() for message in messages]
    assert sum(one != two for one, two in zip(right, wrong, strict=True)) > 10


def test_hostile_times_are_before_1970_too() -> None:
    """Both texts and numbers."""
    assert "1969-12-31T23:59:59.999Z" in TIMES
    assert [time for time in TIMES if isinstance(time, int) and time < -1] == [-86_400_000]


def test_clean_traffic_is_translated_without_an_error() -> None:
    """`--clean` gives no error, and only skips that settings or devices explain."""
    settings = Settings(token="T", trackAllPages=True, people=True)
    skips: Counter[str] = Counter()
    for message in synth(5_000, seed=1, clean=True):
        result = translate(message, settings, now=START + timedelta(hours=1))
        assert result.error is None
        skips.update(skip.code for skip in result.skipped)
    assert set(skips) == {
        "device_token_not_ios",
        "group_not_configured",
        "super_properties_not_selected",
    }


def test_what_can_go_wrong_does() -> None:
    """Errors and skips of many kinds result, and still most messages are good."""
    # With this seed the rare ones come early, such as a group whose company cannot name it.
    messages = list(synth(8_000, seed=14))
    settings = Settings(
        token="T",
        trackNamedPages=True,
        eventIncrements=("Logged In",),
        propIncrements=("price",),
        groupIdentifierTraits=("company",),
    )
    errors: Counter[str] = Counter()
    skips: Counter[str] = Counter()
    for message in messages:
        result = translate(message, settings, now=NOW)
        errors.update([result.error.code] if result.error else [])
        skips.update(skip.code for skip in result.skipped)
    assert set(errors) >= {
        "invalid_field",
        "missing_id",
        "missing_type",
        "nesting_too_deep",
        "timestamp_too_old",
        "timestamp_unparsable",
        "unknown_type",
        "api_secret_required",
    }
    assert 0.01 < errors.total() / len(messages) < 0.1
    assert set(skips) >= {
        "date_unreadable",
        "device_token_not_ios",
        "forbidden_id",
        "group_trait_invalid",
        "group_trait_missing",
        "integration_disabled",
        "not_a_number",
        "page_not_selected",
        "super_properties_not_selected",
        "unknown_user",
    }


def test_all_of_it_is_json(messages: list[dict[str, Any]]) -> None:
    """Whatever else is wrong with a message, its line can be read."""
    for message in messages:
        assert message == json.loads(json.dumps(message, allow_nan=False))


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("x.jsonl", bytes),
        ("x.jsonl.gz", gzip.decompress),
        ("x.jsonl.zst", lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)),
    ],
)
@pytest.mark.parametrize("command", ["synth", "redact"])
def test_the_name_of_the_output_says_its_compression(
    name: str, read: Any, command: str, tmp_path: Path
) -> None:
    """`-o` writes gzip to a name in .gz and zstd to one in .zst, the same bytes each time."""
    output = tmp_path / name
    words = {"synth": ["--messages", "3"], "redact": ["--key-file", str(tmp_path / "key")]}[command]
    text = "".join(json.dumps(message) + "\n" for message in synth(3, seed=2))
    written = []
    for _ in range(2):
        result = CliRunner().invoke(main, ["corpus", command, *words, "-o", str(output)], text)
        assert result.exit_code == 0, result.output
        written.append(output.read_bytes())
    assert written[0] == written[1]
    lines = read(written[0]).splitlines()
    assert len([json.loads(line)["type"] for line in lines]) == 3
