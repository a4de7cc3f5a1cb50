"""Sides in other processes: git revisions of our translator, and drivers of any translator."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from tests.project.paths import ROOT

TRACK = {"type": "track", "messageId": "m1", "userId": "u", "event": "Seen"}


def diff(*arguments: str | Path) -> Result:
    words = ["diff", "--workers", "1", "--now", "2026-06-15T12:00:00Z", *map(str, arguments)]
    return CliRunner().invoke(main, words)


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with one revision more, tagged v1, whose translator names its library otherwise."""
    folder = tmp_path / "clone"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "translator", folder / "translator", ignore=ignored)
    git(folder, "init", "-q")
    (folder / "README").write_text("no translator yet")
    git(folder, "add", "README")
    git(folder, "commit", "-q", "-m", "begin")
    git(folder, "tag", "v0")
    context = folder / "translator" / "core" / "properties" / "call_context.py"
    ours = context.read_text()
    assert ours.count('f"Segment: {name}"') == 1
    context.write_text(ours.replace('f"Segment: {name}"', 'f"Segment/{name}"'))
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "old")
    git(folder, "tag", "v1")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    path.write_text(json.dumps(TRACK) + "\n" + json.dumps({"type": "identify"}) + "\n")
    return path


def test_a_revision(repository: Path, corpus: Path) -> None:
    """The code of the revision runs, not ours, and the clone is as it was."""
    result = diff("--corpus", corpus, "--old", "git:v1", "--new", "tree")
    assert result.stdout.splitlines() == [
        "old  git:v1",
        "new  tree",
        "2 messages, 1 changed (50.0%); 1 fail on both sides",
        "translated as of 2026-06-15T12:00:00Z",
        "WARNING: 50.0% of the messages are not compared: they fail or make no operation "
        "on both sides, so no change can show in them",
        "  1 fail on both sides: missing_id: identify needs a userId or an anonymousId; "
        "this message has neither",
        "",
        "event",
        "  value changed: payload.properties.mp_lib  1 message (50.0%)",
        "      in Seen (1)",
        f"      {corpus}:1 (m1)",
        '        - "Segment/unknown"',
        '        + "Segment: unknown"',
        "",
        "1 kind of change without approval",
    ]
    assert result.exit_code == 1
    status = ["git", "status", "--porcelain"]
    assert subprocess.run(status, cwd=repository, check=True, capture_output=True).stdout == b""


def test_a_revision_follows_rules_and_settings(
    repository: Path, corpus: Path, tmp_path: Path
) -> None:
    """`--rules` and `--settings` concern both sides."""
    (tmp_path / "settings.json").write_text('{"token": "T-99", "sourceName": "web"}')
    options = ("--rules", "observed", "--settings", tmp_path / "settings.json")
    result = diff("--corpus", corpus, "--old", "git:v1", "--new", "tree", *options)
    changed = [line.strip() for line in result.stdout.splitlines() if "changed: " in line]
    assert changed == [
        "value changed: payload.mp_lib  1 message (50.0%)",
        "value changed: payload.properties.mp_lib  1 message (50.0%)",
    ]
    assert result.stdout.splitlines()[-1] == "2 kinds of change without approval"


def test_settings_of_entries_reach_a_revision(repository: Path, tmp_path: Path) -> None:
    """Each message is translated under its own settings; refused ones are an error of it."""
    corpus = tmp_path / "own.jsonl"
    names: list[object] = ["a", "b", 5, "a"]
    lines = [{"message": TRACK, "settings": {"token": "T", "sourceName": name}} for name in names]
    corpus.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = diff("--corpus", corpus, "--old", "git:v1")
    assert "4 messages, 3 changed (75.0%); 1 fail on both sides" in result.stdout
    assert "value changed: payload.properties.mp_lib  3 messages" in result.stdout


@pytest.mark.parametrize(
    ("revision", "text"),
    [
        ("nowhere", "git:nowhere: git says: fatal: Needed a single revision"),
        ("--help", "git:--help: git says: fatal"),
        ("v0", "git:v0: this revision has no folder 'translator'"),
    ],
)
def test_a_revision_that_is_not_there(
    revision: str, text: str, repository: Path, corpus: Path
) -> None:
    """A revision that cannot be found, or has no translator, is said clearly."""
    result = diff("--corpus", corpus, "--old", f"git:{revision}")
    assert text in result.stderr
    assert result.exit_code == 2


def test_outside_a_clone(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git says that there is no repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    result = diff("--corpus", corpus, "--old", "git:HEAD")
    assert "not a git repository" in result.stderr
    assert result.exit_code == 2


DRIVER = """
import json, sys
for line in sys.stdin:
    ask = json.loads(line)
    reply = {}
    if ask["command"] == "start":
        reply = START
        if "refuse" in ask["settings"].get("sourceName", ""):
            reply = {"refused": {"key": "sourceName", "reason": "too odd"}}
    if ask["command"] == "translate":
        if any(message.get("event") == "crash" for message in ask["messages"]):
            reply = {"failed": "it crashed"}
        else:
            reply = {"answers": [{"operations": [OPERATION]} for message in ask["messages"]]}
    print(json.dumps(reply), flush=True)
"""
OPERATION = {
    "endpoint": "/track",
    "host": "https://api.mixpanel.com",
    "payload": {"event": "Seen", "properties": {"token": "token", "mine": True}},
}


@pytest.fixture
def driver(tmp_path: Path) -> str:
    """A translator that answers every message alike, without skips and errors."""
    return write_driver(tmp_path, {"protocol": 1, "does": "translate"})


def write_driver(folder: Path, start: object) -> str:
    script = DRIVER.replace("START", repr(start)).replace("OPERATION", repr(OPERATION))
    (folder / "driver.py").write_text(script)
    return f"exec:{sys.executable} {folder / 'driver.py'}"


def test_another_translator(driver: str, corpus: Path) -> None:
    """Its operations are compared with ours; errors that it does not tell are not."""
    result = diff("--corpus", corpus, "--old", driver, "--new", "tree")
    assert "2 messages, 2 changed (100.0%)" in result.stdout
    assert "  removed: payload.properties.mine  1 message (50.0%)" in result.stdout
    assert "  added: payload.properties.mp_lib  1 message (50.0%)" in result.stdout
    assert "  removed: (the whole operation)  1 message (50.0%)" in result.stdout
    assert "failing" not in result.stdout
    assert result.exit_code == 1


def test_a_translator_with_itself(driver: str, corpus: Path) -> None:
    """Two times the same program are conformant."""
    result = diff("--corpus", corpus, "--old", driver, "--new", driver)
    assert "2 messages, 0 changed (0.0%)" in result.stdout
    assert result.exit_code == 0


def test_one_message_that_makes_it_fail_costs_only_itself(tmp_path: Path) -> None:
    """The other messages that were asked with it are compared."""
    driver = write_driver(
        tmp_path, {"protocol": 1, "does": "translate", "tells": ["errors", "skipped"]}
    )
    corpus = tmp_path / "corpus.jsonl"
    events = ["Seen", "crash", "Seen"]
    corpus.write_text("".join(json.dumps({**TRACK, "event": name}) + "\n" for name in events))
    result = diff("--corpus", corpus, "--old", "tree", "--new", driver)
    assert "  newly failing: error.translator_failed  1 message (33.3%)" in result.stdout
    assert "  added: payload.properties.mine  2 messages (66.7%)" in result.stdout


@pytest.mark.parametrize(
    ("start", "status", "text"),
    [
        ({"protocol": 1, "does": "deliver"}, 2, "delivers, and diff needs"),
        (
            {"protocol": 1, "does": "translate", "rules": ["own"]},
            2,
            "does not follow the documented",
        ),
        ({"unsupported": "not today"}, 2, "does not take the settings: not today"),
        ({"failed": "oops"}, 2, "fails on the settings: oops"),
        ({"protocol": 2, "does": "translate"}, 3, "'protocol' must be 1"),
    ],
)
def test_a_driver_that_cannot_be_compared(
    start: object, status: int, text: str, tmp_path: Path, corpus: Path
) -> None:
    """Wrong usage is an error before anything is compared."""
    result = diff("--corpus", corpus, "--old", "tree", "--new", write_driver(tmp_path, start))
    assert text in result.stderr
    assert status == result.exit_code


def test_settings_that_it_refuses(driver: str, corpus: Path, tmp_path: Path) -> None:
    """Those of the command line end the comparison, those of an entry concern this one."""
    settings = {"token": "T", "sourceName": "refuse"}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    options = ("--settings", tmp_path / "settings.json")
    result = diff("--corpus", corpus, "--old", "tree", "--new", driver, *options)
    assert "does not take the settings: 'sourceName': too odd" in result.stderr
    assert result.exit_code == 2
    corpus.write_text(json.dumps({"message": TRACK, "settings": settings}))
    result = diff("--corpus", corpus, "--old", "tree", "--new", driver)
    assert "removed: (the whole operation)" in result.stdout
    assert result.exit_code == 1


def test_a_program_that_is_not_there(corpus: Path) -> None:
    """The error names it."""
    result = diff("--corpus", corpus, "--old", "tree", "--new", "exec:./nowhere")
    assert "exec:./nowhere: cannot be started" in result.stderr
    assert result.exit_code == 2


def test_on_several_cores(driver: str, corpus: Path) -> None:
    """Each process has a driver of its own."""
    command = [sys.executable, "-m", "conformance", "diff", "--workers", "2"]
    options = ["--corpus", str(corpus), "--old", driver, "--new", driver]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 messages, 0 changed (0.0%)" in done.stdout


def test_a_session_cannot_be_given_to_another_translator(driver: str, corpus: Path) -> None:
    """It is a bad line, and the messages beside it are compared."""
    corpus.write_text(json.dumps({"session": [TRACK]}) + "\n" + json.dumps(TRACK) + "\n")
    result = diff("--corpus", corpus, "--old", driver, "--new", driver)
    assert "1 message, 0 changed (0.0%); 1 bad line" in result.stdout
    assert "a session needs two variants of this translator" in result.stdout


ECHO = """
import json, sys
sys.set_int_max_str_digits(0)
for line in sys.stdin:
    ask = json.loads(line)
    reply = {"protocol": 1, "does": "translate", "tells": ["errors", "skipped"]}
    if ask["command"] == "translate":
        def operation(message):
            if message["event"] == "die":
                sys.exit(3)
            if message["event"] == "nan":
                message["properties"] = {"x": float("nan")}
            if message["event"] == "half":
                message["properties"] = {"x": chr(0xD83C), chr(0xD83C): 1}
            if message["event"] == "deep":
                value = 1
                for _ in range(150):
                    value = {"a": [value]}
                message["properties"] = {"x": value}
            if message["event"] == "huge":
                message["properties"] = {"x": 10 ** 400}
            if message["event"] == "java":
                message["properties"] = {"x": -9223372036854776000}
            payload = {"event": message["event"], "properties": message["properties"]}
            return {"endpoint": "/track", "host": "h", "payload": payload}
        answers = [{"operations": [operation(message)]} for message in ask["messages"]]
        reply = {"answers": answers}
    print(json.dumps(reply), flush=True)
"""


@pytest.fixture
def echo(tmp_path: Path) -> str:
    """A translator in another language, so to speak: it prints what no Python translator does."""
    (tmp_path / "echo.py").write_text(ECHO)
    return f"exec:{sys.executable} {tmp_path / 'echo.py'}"


def of_events(corpus: Path, *events: str, properties: str = "{}") -> Path:
    lines = [
        f'{{"type":"track","messageId":"{n}","userId":"u","event":"{name}",'
        f'"properties":{properties}}}\n'
        for n, name in enumerate(events)
    ]
    corpus.write_text("".join(lines))
    return corpus


@pytest.mark.parametrize(
    "number", ["1e20", "-9223372036854775808", "18446744073709551616", "1E300", "5e-324", "-0.0"]
)
def test_any_number_of_json(number: str, echo: str, corpus: Path) -> None:
    """Whole numbers beyond 64 bits, which JavaScript prints, are compared like all others."""
    of_events(corpus, "a", properties=f'{{"x":{number}}}')
    result = diff("--corpus", corpus, "--old", echo, "--new", echo)
    assert "1 message, 0 changed (0.0%)\n" in result.stdout
    assert result.exit_code == 0
    result = diff("--corpus", corpus, "--old", "tree", "--new", echo)
    assert "payload.properties.x" not in result.stdout
    assert result.exit_code == 1


@pytest.mark.parametrize("event", ["half", "huge", "java"])
def test_what_other_languages_print(event: str, echo: str, corpus: Path, tmp_path: Path) -> None:
    """Halves of surrogate pairs and endless digits reach the text, the JSON and the page."""
    of_events(corpus, event, properties='{"x":5}')
    folder = tmp_path / "report"
    result = diff("--corpus", corpus, "--old", "tree", "--new", echo, "--report", folder)
    assert "value changed: payload.properties.x" in result.stdout or event == "half"
    assert result.exit_code == 1
    result.stdout.encode()
    report = json.loads((folder / "diff.json").read_text())
    assert report["changed"] == 1
    assert "<title>" in (folder / "diff.html").read_text()


@pytest.mark.parametrize(
    ("event", "code"),
    [("die", "translator_failed"), ("nan", "translator_failed"), ("deep", "nesting_too_deep")],
)
def test_an_answer_that_cannot_be_read_costs_one_message(
    event: str, code: str, echo: str, corpus: Path
) -> None:
    """A driver that ends, prints NaN or nests too deeply fails on that message only."""
    of_events(corpus, *["a"] * 5, event, *["a"] * 5)
    result = diff("--corpus", corpus, "--old", echo, "--new", echo)
    assert "11 messages, 0 changed (0.0%); 1 fail on both sides\n" in result.stdout
    assert f"  1 fail on both sides: {code}: " in result.stdout
    assert result.exit_code == 0


def test_a_driver_that_breaks_on_every_message_ends_the_comparison(echo: str, corpus: Path) -> None:
    """Then the messages are not to blame: exit code 3, not one failure after another."""
    of_events(corpus, *["die"] * 60)
    result = diff("--corpus", corpus, "--old", "tree", "--new", echo)
    assert "Error: the driver failed: exec:" in result.stderr
    assert result.exit_code == 3


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that is not ours: a mapping file, on a branch with one change."""
    folder = tmp_path / "shop"
    (folder / "analytics").mkdir(parents=True)
    git(tmp_path, "init", "-q", "-b", "main", "shop")
    mapping = folder / "analytics" / "mapping.yaml"
    mapping.write_text("events:\n  page_url: context.page.url\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "begin")
    git(folder, "checkout", "-q", "-b", "change")
    mapping.write_text("events:\n  page_address: context.page.url\n")
    git(folder, "commit", "-q", "-am", "rename")
    monkeypatch.chdir(folder)
    return folder


def test_a_mapping_file_of_any_repository(shop: Path, tmp_path: Path) -> None:
    """`git:REV:PATH` is the mapping file as it was, in a repository without our code."""
    corpus = tmp_path / "page.jsonl"
    corpus.write_text(json.dumps({**TRACK, "context": {"page": {"url": "https://shop.example/"}}}))
    expected = "renamed: payload.properties.page_url -> payload.properties.page_address  1 message"
    for new in ("mapping:analytics/mapping.yaml", "git:change:analytics/mapping.yaml"):
        refs = ("--old", "git:main:analytics/mapping.yaml", "--new", new)
        result = diff("--corpus", corpus, *refs)
        assert expected in result.stdout
        assert "by mapping events.page_url, mapping events.page_address" in result.stdout
        assert result.exit_code == 1


def test_a_path_from_the_working_folder(
    shop: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for git, a path begins at the root; with `./` it begins where you are."""
    monkeypatch.chdir(shop / "analytics")
    result = diff("--corpus", corpus, "--old", "git:main:./mapping.yaml", "--new", "tree")
    assert "never exercised by this corpus" in result.stdout
    assert "is unknown: mapping events.page_url\n" in result.stdout
    result = diff("--corpus", corpus, "--old", "git:main:mapping.yaml", "--new", "tree")
    assert "write ./NAME for the working folder" in result.stderr
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("ref", "text"),
    [
        ("git:nowhere:analytics/mapping.yaml", "Needed a single revision"),
        ("git:main:analytics/none.yaml", "git says: fatal: path 'analytics/none.yaml' does not"),
        ("git:main:analytics", "git says: fatal"),
        ("git:main", "write git:REV:PATH"),
    ],
)
def test_a_mapping_file_that_is_not_there(shop: Path, corpus: Path, ref: str, text: str) -> None:
    """The error names the revision or the path, exit code 2."""
    result = diff("--corpus", corpus, "--old", ref, "--new", "tree")
    assert text in result.stderr
    assert result.exit_code == 2


def test_a_mix_of_rules_reaches_a_revision(repository: Path, corpus: Path) -> None:
    """A revision of our translator follows a mix as well."""
    result = diff("--corpus", corpus, "--old", "git:v1", "--rules", "observed+insert_id")
    assert "value changed: payload.properties.mp_lib  1 message" in result.stdout
    assert "insert_id" not in result.stdout


@pytest.mark.parametrize("levels", [5, 150, 300, 500, 990])
def test_messages_of_any_nesting(levels: int, echo: str, corpus: Path) -> None:
    """A message that is nested too deeply fails on both sides; the others are compared."""
    nested = "[" * levels + "]" * levels
    of_events(corpus, "a", properties=f'{{"x":{nested}}}')
    with corpus.open("a") as file:
        file.write('{"type":"track","messageId":"1","userId":"u","event":"b","properties":{}}')
    result = diff("--corpus", corpus, "--old", echo, "--new", echo)
    fails = levels > 190
    expected = "; 1 fail on both sides" if fails else ""
    assert f"2 messages, 0 changed (0.0%){expected}\n" in result.stdout
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("1e400", "properties.x is inf"),
        ("NaN", "properties.x is nan"),
        ('"\\ud83c"', "properties.x has a lone surrogate"),
    ],
)
def test_a_value_that_no_translator_takes_is_named(
    value: str, why: str, echo: str, corpus: Path
) -> None:
    """The line is bad, the field is named, and the other lines are compared."""
    of_events(corpus, "a", properties=f'{{"x":{value}}}')
    with corpus.open("a") as file:
        file.write('{"type":"track","messageId":"1","userId":"u","event":"b","properties":{}}')
    result = diff("--corpus", corpus, "--old", echo, "--new", echo)
    assert f"  bad line {corpus}:1: not JSON: {why}" in result.stdout
    assert "1 message, 0 changed (0.0%); 1 bad line\n" in result.stdout
    assert result.exit_code == 2


@pytest.mark.parametrize("number", ["18446744073709551617", "-9223372036854775809", "9" * 500])
def test_a_long_number_fails_as_in_translate(
    number: str, echo: str, corpus: Path, repository: Path
) -> None:
    """Our translator refuses a whole number without a float of its digits, at any revision.

    Another translator gets the number with all digits.
    """
    of_events(corpus, "a", properties=f'{{"x":{number}}}')
    why = "invalid_value: properties.x is a whole number of more than 64 bits; send it as text"
    for old in ("rules:observed", "git:v1"):
        result = diff("--corpus", corpus, "--old", old, "--new", "tree")
        assert f"  1 fail on both sides: {why}\n" in result.stdout
        assert result.exit_code == 0
    result = diff("--corpus", corpus, "--old", "tree", "--new", echo)
    assert "no longer failing: error.invalid_value  1 message (100.0%)\n" in result.stdout


WITHOUT_CODES = """\
import json, sys
for line in sys.stdin:
    ask = json.loads(line)
    start = {"protocol": 1, "does": "translate", "tells": ["skipped", "errors"]}
    answers = [json.loads(sys.argv[1])] * len(ask.get("messages", []))
    print(json.dumps({"start": start, "stop": {}}.get(ask["command"], {"answers": answers})))
    sys.stdout.flush()
"""
SKIPPED = '{"operations": [], "skipped": [{"reason": "not wanted"}]}'
FAILED = '{"operations": [], "error": {"message": "cannot"}}'


def without_codes(answer: str) -> str:
    return "exec:" + shlex.join([sys.executable, "-c", WITHOUT_CODES, answer])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "tree",
            without_codes(SKIPPED),
            ["removed: (the whole operation)", "newly skipped: skipped.no_code"],
        ),
        (
            without_codes(SKIPPED),
            "tree",
            ["added: (the whole operation)", "no longer skipped: skipped.no_code"],
        ),
        ("tree", without_codes(FAILED), ["newly failing: error.no_code"]),
        (without_codes(FAILED), "tree", ["no longer failing: error.no_code"]),
        (without_codes(FAILED), without_codes(SKIPPED), ["no longer failing: error.no_code"]),
    ],
)
def test_errors_and_skips_without_codes(
    tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    """A code of an error or of a skip is optional; without one the report shows `no_code`."""
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text(json.dumps(TRACK) + "\n")
    found = diff("--corpus", corpus, "--old", old, "--new", new)
    assert (found.exit_code, found.stderr) == (1, "")
    assert [each for each in expected if each not in found.stdout] == []


def test_a_code_and_no_code(tmp_path: Path) -> None:
    """What one side reports with a code and the other without may be the same: no change."""
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"type": "page", "userId": "u", "messageId": "m"}\n')
    found = diff("--corpus", corpus, "--old", "tree", "--new", without_codes(SKIPPED))
    assert (found.exit_code, "no change without approval" in found.stdout) == (0, True)
