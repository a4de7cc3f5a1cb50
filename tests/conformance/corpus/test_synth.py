"""Made-up traffic: the same for a seed, varied, and of every kind that matters."""

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from conformance.corpus.synth import synth
from translator import Settings, translate

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
CALLS = {"track", "page", "screen", "identify", "group", "alias"}


@pytest.fixture(scope="module")
def messages() -> list[dict[str, Any]]:
    return list(synth(20_000, seed=1))


def test_a_seed_gives_the_same_to_the_byte(tmp_path: Path) -> None:
    """In two processes, whatever hashes are made of; another seed gives something else."""
    written: list[bytes] = []
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        command = [sys.executable, "-m", "conformance", "corpus", "synth", "--messages", "3000"]
        file = tmp_path / name
        environment = {**os.environ, "PYTHONHASHSEED": str(len(written) + 1)}
        subprocess.run([*command, "--seed", seed, "-o", str(file)], check=True, env=environment)
        written.append(file.read_bytes())
    assert written[0].count(b"\n") == 3000
    assert written[0] == written[1]
    assert written[0] != written[2]


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
    names = ("analytics.js", "analytics-ios", "analytics-android", "analytics-node")
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


def test_what_can_go_wrong_does(messages: list[dict[str, Any]]) -> None:
    """Errors and skips of many kinds result, and still most messages are good."""
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
