"""Redaction: no person can be found, nothing else changes, and all of it is stable."""

import json
import re
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.corpus.entries import CorpusEntry, read_entry
from conformance.corpus.redact import CorpusRedactor
from conformance.corpus.synth import synth
from conformance.regression.differences.pairing import label
from conformance.spec.scenarios.loading import Json
from tests.thorough import times
from translator import Rules, Settings, translate

KEY = b"a key of the tests, not a secret"
ANN: dict[str, Any] = {
    "type": "identify",
    "messageId": "ajs-1",
    "userId": "ann@northwind.example.com",
    "anonymousId": "7d2f1c9a-7be0-4d4f-8b8a-2d5e6c7b8091",
    "timestamp": "2026-06-15T12:00:00.000Z",
    "traits": {
        "firstName": "Ann",
        "lastName": "O'Neil-García",
        "name": "Ann O'Neil-García",
        "email": "Ann@Northwind.example.com",
        "phone": "+1 555 0100",
        "birthday": "1985-03-02",
        "createdAt": 1780309230,
        "salary": 123456,
        "score": 98.25,
        "vip": True,
        "referredBy": None,
        "address": {"street": "Kiln Street 12", "zip": "01234"},
        "friends": ["bob@post.example.com", "Ann"],
        "site": "https://ann.northwind.example.com/about/ann?ref=bob#top",
        "bob@post.example.com": 1,
    },
    "context": {
        "ip": "203.0.113.17",
        "locale": "nl-NL",
        "device": {"id": "A91F0C6D", "type": "iOS", "token": "t0ken"},
        "library": {"name": "analytics.js", "version": "2.11.1"},
        "userAgent": "Mozilla/5.0 (ann@northwind.example.com)",
    },
}
PRIVATE = (
    "ann",
    "neil",
    "garc",
    "northwind",
    "bob",
    "kiln",
    "0100",
    "123456",
    "98.25",
    "1985-03-02",
)


def redacted(message: Any, key: bytes = KEY, keep: tuple[str, ...] = ()) -> Any:
    return CorpusRedactor(key, keep).message(message)


def traits(**values: Any) -> Json:
    found: Json = redacted({"type": "identify", "traits": values})["traits"]
    return found


def test_nobody_can_be_found() -> None:
    """Nothing of the person is left, in values or in names."""
    text = json.dumps(redacted(ANN), ensure_ascii=False).lower()
    assert [secret for secret in PRIVATE if secret in text] == []


def test_what_the_translation_rests_on_stays() -> None:
    """The call, its time, names, and what is known of device and library are as they were."""
    found = redacted(ANN)
    assert (found["type"], found["timestamp"]) == ("identify", "2026-06-15T12:00:00.000Z")
    names = [key for key in ANN["traits"] if "@" not in key]
    assert names == [key for key in found["traits"] if "@" not in key]
    assert ("nl-NL", ANN["context"]["library"]) == (
        found["context"]["locale"],
        found["context"]["library"],
    )
    assert found["context"]["device"]["type"] == "iOS"
    assert (found["traits"]["vip"], found["traits"]["referredBy"]) == (True, None)


def test_forms_stay() -> None:
    """Each replacement has the form of the value that it replaces."""
    found = redacted(ANN)["traits"]
    assert (len(found["firstName"]), found["firstName"].istitle()) == (3, True)
    assert (found["lastName"][1], found["lastName"][6]) == ("'", "-")
    assert found["name"] == f"{found['firstName']} {found['lastName']}"
    assert found["email"].count("@") == 1
    assert found["email"].endswith(".example")
    assert re.fullmatch(r"\+\d \d{3} \d{4}", found["phone"])
    assert (found["birthday"][:4], found["birthday"] != "1985-03-02") == ("1985", True)
    assert datetime.fromtimestamp(found["createdAt"], UTC).strftime("%Y %H:%M:%S") == (
        datetime.fromtimestamp(1780309230, UTC).strftime("%Y %H:%M:%S")
    )
    assert 100_000 <= found["salary"] < 1_000_000
    assert isinstance(found["score"], float)
    assert 10 <= found["score"] < 100
    assert (found["address"]["zip"][0], len(found["address"]["zip"])) == ("0", 5)
    assert found["site"].startswith("https://")
    assert redacted(ANN)["context"]["ip"].startswith("10.")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("0x1F", r"0x[1-9A-F][0-9A-F]"),
        ("0b101", r"0b1[01]{2}"),
        ("0o17", r"0o[1-7][0-7]"),
        ("-1.50E-3", r"-[1-9]\.[1-9][0-9]E-3"),
        ("9px", r"[1-9][a-z]{2}"),
        ("007agents", r"00[1-9][a-z]{6}"),
        ("0kg", r"0[a-z]{2}"),
    ],
)
def test_a_text_that_is_read_as_a_number_stays_one(text: str, form: str) -> None:
    """A number in any notation of JavaScript, and the digits that begin a text, keep their size."""
    message = {"type": "identify", "traits": {"price": text}}
    found = {redacted(message, bytes([n]) * 16)["traits"]["price"] for n in range(20)}
    assert [each for each in found if not re.fullmatch(form, each)] == []
    assert len(found) > 1


def test_the_same_is_the_same_everywhere() -> None:
    """An id that is an e-mail address is still the trait, whatever its case; a friend is she."""
    found = redacted(ANN)
    assert found["userId"] == found["traits"]["email"].lower()
    assert found["traits"]["firstName"] == found["traits"]["friends"][1]
    assert found["traits"]["friends"][0] in found["traits"]
    assert redacted(ANN) == found


def test_another_key_gives_other_pseudonyms() -> None:
    """Who does not have the key cannot tell what a name becomes."""
    other = redacted(ANN, b"another key")
    assert other["userId"] != redacted(ANN)["userId"]
    assert other["traits"]["firstName"] != redacted(ANN)["traits"]["firstName"]


def test_two_people_never_become_one() -> None:
    """Ids of a kind stay different: every number of four digits, every word of two letters."""
    numbers = [traits(x=number)["x"] for number in range(1000, 10_000)]
    assert sorted(numbers) == list(range(1000, 10_000))
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = {traits(x=one + two)["x"] for one in letters for two in letters}
    assert len(words) == 26 * 26
    long = {traits(x=f"anon-{number:016x}")["x"] for number in range(2000)}
    assert len(long) == 2000


def test_a_number_is_the_same_as_text() -> None:
    """An id that one library sends as a number and another as text stays one id."""
    found = traits(a=4711, b="4711")
    assert str(found["a"]) == found["b"]


@pytest.mark.parametrize(
    "value",
    [
        *(0, 1, -1, 0.0, True, False, None, "", " ", "null", "undefined", "NaN", "anonymous", "0"),
        *("00000000-0000-0000-0000-000000000000", "2026-02-30", "🙂 !?", [], {}),
    ],
)
def test_what_means_nothing_stays(value: Any) -> None:
    """Values that name no person, such as `null`, often break translators; they are kept."""
    found = traits(x=value)["x"]
    assert (value, type(value)) == (found, type(found))


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63) + 1, 2**64 - 1, 10**18, 2**53 + 1, 10**17])
def test_large_numbers_stay_within_64_bits(value: int) -> None:
    """JSON readers that know 64 bits can still read them."""
    found = traits(x=value)["x"]
    assert found != value
    assert (len(str(value)), value < 0) == (len(str(found)), found < 0)
    assert -(2**63) <= found < 2**64
    assert (value < 2**63) is (found < 2**63)


@pytest.mark.parametrize("value", [2**64, 10**20 + 1, -(2**63) - 1, -(2**64), 10**400 + 7])
def test_larger_numbers_stay_beyond_64_bits(value: int) -> None:
    """A translator refuses such numbers, and still refuses the pseudonyms."""
    found = traits(x=value)["x"]
    assert found != value
    assert (type(found), len(str(value)), value < 0) == (int, len(str(found)), found < 0)
    assert not -(2**63) <= found < 2**64


@pytest.mark.parametrize(
    ("value", "script"),
    [
        ("李娜", "CJK"),
        ("Мария", "CYRILLIC"),
        ("فاطمة", "ARABIC"),
        ("김민준", "HANGUL"),
        ("Zoë", "LATIN"),
    ],
)
def test_scripts_stay(value: str, script: str) -> None:
    """A name in another script becomes one in that script."""
    from unicodedata import name as character_name

    found = traits(x=value)["x"]
    assert found != value
    assert all(script in character_name(character) for character in found)


def test_ips_and_uuids() -> None:
    """An address becomes one that is reserved for documentation, a UUID one of its version."""
    found = traits(
        v4="198.51.100.42", v6="2a02:a443::1", uuid="7d2f1c9a-7be0-4d4f-8b8a-2d5e6c7b8091"
    )
    assert found["v4"].startswith("10.")
    assert found["v6"].startswith("2001:db8:")
    assert (found["uuid"][13:15], found["uuid"][18:20]) == ("-4", "-8")
    assert [len(part) for part in found["uuid"].split("-")] == [8, 4, 4, 4, 12]


def test_fields_to_keep() -> None:
    """`keep` leaves a field as it is, all below it too, but never an e-mail address."""
    message = {**ANN, "traits": {"plan": {"tier": "pro", "by": "ann@a.example.com"}, "x": "pro"}}
    found = redacted(message, keep=("traits.plan",))["traits"]
    assert found["plan"]["tier"] == "pro"
    assert "ann" not in found["plan"]["by"]
    assert found["x"] != "pro"


def test_names_of_pages_stay_and_names_of_people_do_not() -> None:
    """The name of an event is kept; the same field elsewhere is personal data."""
    for kind, stays in (("page", True), ("screen", True), ("group", False)):
        found = redacted({"type": kind, "name": "Pricing", "category": "Docs"})
        assert stays is ((found["name"], found["category"]) == ("Pricing", "Docs"))


def test_the_old_place_of_the_context() -> None:
    """`options` is redacted like `context`."""
    found = redacted({"type": "track", "options": ANN["context"]})["options"]
    assert redacted(ANN)["context"] == found


def test_an_entry_keeps_settings_but_no_secrets() -> None:
    """Settings and time of an entry stay; token and secret get pseudonyms."""
    line = {
        "message": {"type": "track", "userId": "ann"},
        "settings": {"token": "a1b2c3", "apiSecret": "hush", "people": False},
        "now": "2026-06-15T12:00:00+00:00",
    }
    found = CorpusRedactor(KEY).entry(read_entry(json.dumps(line).encode(), "f:1"))
    assert (found["now"], found["settings"]["people"]) == ("2026-06-15T12:00:00+00:00", False)
    assert "a1b2c3" != found["settings"]["token"] != ""
    assert "hush" != found["settings"]["apiSecret"] != ""


def test_messages_that_are_none() -> None:
    """Whatever stands in the place of a message is redacted."""
    assert "ann" not in str(redacted(["ann", {"x": "ann"}]))
    assert CorpusRedactor(KEY).entry(CorpusEntry("f:1", 1)) == {"message": 1}


SETTINGS = Settings(
    token="T",
    apiSecret="s",
    trackAllPages=True,
    trackNamedPages=True,
    eventIncrements=("Logged In",),
    propIncrements=("results",),
    superProperties=("plan",),
    groupIdentifierTraits=("company",),
)
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def form(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: form(item) for key, item in value.items()}
    return [form(item) for item in value] if isinstance(value, list) else type(value).__name__


def outcome(message: Any, rules: Rules) -> Any:
    result = translate(message, SETTINGS, now=NOW, rules=rules).as_json()
    return (
        [(label(each), each["payload"].get("event"), form(each)) for each in result["operations"]],
        [skip["code"] for skip in result["skipped"]],
        result["error"] and result["error"]["code"],
    )


@pytest.mark.parametrize("rules", [Rules.documented(), Rules.observed()], ids=["doc", "observed"])
def test_a_translator_does_the_same(rules: Rules) -> None:
    """Of hostile traffic too: the same operations, of the same form, the same skips and errors."""
    redactor = CorpusRedactor(KEY)
    for message in synth(times(1_000, 20_000), seed=5):
        assert outcome(message, rules) == outcome(redactor.message(message), rules), message


def run(*arguments: str | Path, text: str = "") -> Result:
    return CliRunner().invoke(main, ["corpus", "redact", *map(str, arguments)], input=text)


def test_command(tmp_path: Path) -> None:
    """Lines in, lines out; a bad one is left out and counted, and its text is not shown."""
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text(json.dumps(ANN) + "\nann is here\n" + '["ann"]\n' + json.dumps(ANN) + "\n")
    result = run(corpus, "--key-file", tmp_path / "key")
    assert result.exit_code == 1
    one, two = result.stdout.splitlines()
    assert one == two
    assert json.loads(one) != ANN
    assert result.stderr.splitlines() == [
        f"{corpus}:2: left out: not JSON",
        f"{corpus}:3: left out: not an object",
        "lines left out, because they are not messages: 2",
    ]
    assert one == run("--key-file", tmp_path / "key", text=json.dumps(ANN)).stdout.strip()


def test_keys(tmp_path: Path) -> None:
    """A key file is made for its owner only; without one every run has a key of its own."""
    text = json.dumps({"type": "track", "userId": "ann-of-northwind"})
    run("--key-file", tmp_path / "key", text=text)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert len((tmp_path / "key").read_text().strip()) == 64
    assert run(text=text).stdout != run(text=text).stdout
    (tmp_path / "short").write_text("short")
    result = run("--key-file", tmp_path / "short", text=text)
    assert "the key must have at least 16 bytes" in result.stderr
    assert result.exit_code == 2


def test_output(tmp_path: Path) -> None:
    """`-o` writes a file, and says why it cannot."""
    run("-o", tmp_path / "out.jsonl", text=json.dumps(ANN))
    assert json.loads((tmp_path / "out.jsonl").read_text())["type"] == "identify"
    result = run("-o", tmp_path / "nowhere" / "out", text=json.dumps(ANN))
    assert "--output" in result.stderr
    assert result.exit_code == 2


def test_the_output_is_no_input(tmp_path: Path) -> None:
    """An output that is one of the inputs, or links to it, is refused; the input stays."""
    file, link = tmp_path / "in.jsonl", tmp_path / "link"
    file.write_text('{"type": "track", "userId": "u", "event": "E"}\n')
    link.symlink_to(file)
    before = file.read_text()
    for output in (file, link):
        found = run(file, "-o", output)
        assert (found.exit_code, file.read_text()) == (2, before)
        assert found.stderr == f"Error: --output {output} is also an input; give another file\n"
