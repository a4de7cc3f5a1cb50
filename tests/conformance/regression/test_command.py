"""The command `diff`: what it prints and writes, and its exit codes."""

import json
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.regression.progress import progress

CAPTURES = str(Path(__file__).parents[3] / "conformance" / "captures" / "cloud-classic.jsonl")
NOW = "2026-06-15T12:00:00Z"
TRACK = {"type": "track", "messageId": "m1", "userId": "u", "event": "Seen"}


def diff(*arguments: str | Path, text: str = "") -> Result:
    """The command in this process, on one core."""
    words = ["diff", "--workers", "1", "--now", NOW, *map(str, arguments)]
    return CliRunner().invoke(main, words, input=text)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    path.write_text(json.dumps(TRACK) + "\n" + json.dumps({**TRACK, "type": "nonsense"}) + "\n")
    return path


def test_no_change(corpus: Path) -> None:
    """Two equal sides end with 0 and say what was compared."""
    result = diff("--corpus", corpus, "--old", "tree", "--new", "rules:documented")
    assert result.stdout == (
        "old  tree\nnew  rules:documented\n"
        "2 messages, 0 changed (0.0%); 1 fail on both sides\n"
        "translated as of 2026-06-15T12:00:00Z\n"
        "WARNING: 50.0% of the messages are not compared: they fail or make no operation on both "
        "sides, so no change can show in them\n"
        "  1 fail on both sides: unknown_type: type 'nonsense' is not a Segment call; "
        "known: track, page, screen, identify, group, alias\n\n"
        "no change without approval\n"
    )
    assert result.exit_code == 0


@pytest.fixture
def settings(tmp_path: Path) -> tuple[str, str]:
    """Two settings that differ in one property of every event."""
    refs = []
    for name, source in (("old", "web"), ("new", "shop")):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"token": "T-0123", "sourceName": source}))
        refs.append(f"settings:{path}")
    return refs[0], refs[1]


APPROVAL = """
[[approval]]
class = "value changed"
operation = "event"
path = "payload.properties.segment_source_name"
reason = "the shop has a name of its own"
expires = 2999-12-31
"""


def test_a_change(corpus: Path, settings: tuple[str, str]) -> None:
    """A change ends with 1 and has operation, path, count, share, cause and example."""
    old, new = settings
    result = diff("--corpus", corpus, "--old", old, "--new", new)
    assert result.stdout.splitlines() == [
        f"old  {old}",
        f"new  {new}",
        "2 messages, 1 changed (50.0%); 1 fail on both sides",
        *result.stdout.splitlines()[3:7],
        "  by setting sourceName: 1 message",
        "",
        "event",
        "  value changed: payload.properties.segment_source_name  1 message (50.0%)",
        "      by setting sourceName",
        "      in Seen (1)",
        f"      {corpus}:1 (m1)",
        '        - "web"',
        '        + "shop"',
        "",
        "1 kind of change without approval",
    ]
    assert result.exit_code == 1


def test_an_approved_change(corpus: Path, settings: tuple[str, str], tmp_path: Path) -> None:
    """A change with an approval is shown with it and ends with 0."""
    approvals = tmp_path / "approvals.toml"
    approvals.write_text(APPROVAL)
    old, new = settings
    result = diff("--corpus", corpus, "--old", old, "--new", new, "--approvals", approvals)
    assert "      approved until 2999-12-31: the shop has a name of its own\n" in result.stdout
    assert result.stdout.splitlines()[-1] == "no change without approval, 1 approved"
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (("segment_source_name", "source"), "it matches no change"),
        (("2999-12-31", "2020-01-01"), "it expired on 2020-01-01"),
    ],
)
def test_a_stale_approval(
    edit: tuple[str, str], why: str, corpus: Path, settings: tuple[str, str], tmp_path: Path
) -> None:
    """An approval that is not needed or has expired ends with 1, even if nothing else is wrong."""
    approvals = tmp_path / "approvals.toml"
    approvals.write_text(APPROVAL + APPROVAL.replace(*edit))
    old, new = settings
    result = diff("--corpus", corpus, "--old", old, "--new", new, "--approvals", approvals)
    assert "no change without approval, 1 approved, 1 stale approval" in result.stdout
    assert why in result.stdout
    assert result.exit_code == 1


def test_report(corpus: Path, settings: tuple[str, str], tmp_path: Path) -> None:
    """`--report` writes a file for programs and a page for people."""
    old, new = settings
    diff("--corpus", corpus, "--old", old, "--new", new, "--report", tmp_path / "out" / "here")
    report = json.loads((tmp_path / "out" / "here" / "diff.json").read_text())
    today = datetime.now(UTC).date()
    assert report == {
        "old": old,
        "new": new,
        "date": today.isoformat(),
        "corpus": [str(corpus)],
        "settings": {"token": "token", "apiSecret": "secret"},
        "judged_at": "translated as of 2026-06-15T12:00:00Z",
        "red": True,
        "verdict": "1 kind of change without approval",
        "warnings": [
            "50.0% of the messages are not compared: they fail or make no operation on both "
            "sides, so no change can show in them",
            "a token or secret of the settings is shorter than 8 characters: values that are "
            "equal to it are shown as ***",
        ],
        "messages": 2,
        "changed": 1,
        "not_compared": 1,
        "failing_on_both": 1,
        "failing_on_both_by_code": {"unknown_type": 1},
        "no_operation_on_both_by_code": {},
        "bad_lines": 0,
        "bad_line_examples": [],
        "causes": {"setting sourceName": 1},
        "never_exercised": [],
        "changes": [
            {
                "class": "value changed",
                "operation": "event",
                "path": "payload.properties.segment_source_name",
                "causes": ["setting sourceName"],
                "messages": 1,
                "share": 0.5,
                "events": {"Seen": 1},
                "approval": None,
                "examples": [{"where": f"{corpus}:1", "id": "m1", "old": '"web"', "new": '"shop"'}],
            }
        ],
        "stale_approvals": [],
    }
    page = (tmp_path / "out" / "here" / "diff.html").read_text()
    assert "1 kind of change without approval" in page
    assert f"<dt>Date</dt><dd>{today}</dd>" in page
    assert f"<code>{corpus}</code>" in page
    assert "<td>fails: <code>unknown_type</code></td>" in page
    [toml] = re.findall(r"<pre>(\[\[approval\]\].*?)</pre>", page, re.DOTALL)
    [approval] = tomllib.loads(unescape(toml))["approval"]
    assert approval["expires"] == today + timedelta(days=90)
    assert "path = &#34;payload.properties.segment_source_name&#34;" in page


def test_what_the_corpus_says_is_escaped(tmp_path: Path) -> None:
    """Markup in an id, a name or a value is text on the page."""
    evil = "<script>alert(1)</script>"
    corpus = tmp_path / "corpus.jsonl"
    traits = {evil: 1, "tags": [evil]}
    call = {"type": "identify", "userId": "u", "messageId": evil, "traits": traits}
    corpus.write_text(json.dumps(call) + "\n" + evil + "\n")
    result = diff(
        *("--corpus", corpus, "--old", "rules:observed", "--new", "tree", "--report", tmp_path)
    )
    assert result.exit_code == 1
    page = (tmp_path / "diff.html").read_text()
    assert evil not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3


def test_a_token_is_not_shown(tmp_path: Path) -> None:
    """Secrets of the settings are starred out in text and reports."""
    corpus = tmp_path / "corpus.jsonl"
    settings = {"token": "T-0123456789", "people": True, "apiSecret": "S-0123456789"}
    call = {"type": "alias", "userId": "u", "previousId": "u"}
    corpus.write_text(json.dumps({"message": call, "settings": settings}))
    result = diff(
        *("--corpus", corpus, "--old", "rules:observed", "--new", "tree", "--report", tmp_path)
    )
    written = (tmp_path / "diff.json").read_text() + (tmp_path / "diff.html").read_text()
    assert '"token":"***"' in result.stdout
    assert "0123456789" not in result.stdout + written


def test_only_whole_values_are_secrets(tmp_path: Path) -> None:
    """The token `T` does not hide a part of the event `Test`; that it is short is said."""
    corpus = tmp_path / "corpus.jsonl"
    call = {**TRACK, "type": "alias", "previousId": "Test", "userId": "Test"}
    corpus.write_text(json.dumps(call))
    (tmp_path / "settings.json").write_text('{"token": "T", "apiSecret": "S"}')
    settings = ("--settings", tmp_path / "settings.json")
    result = diff("--corpus", corpus, *settings, "--old", "rules:observed", "--new", "tree")
    assert '"token":"***"' in result.stdout
    assert '"alias":"Test"' in result.stdout
    assert (
        "WARNING: a token or secret of the settings is shorter than 8 characters: "
        "values that are equal to it are shown as ***\n"
    ) in result.stdout


def test_without_now_each_message_is_judged_at_its_arrival(tmp_path: Path) -> None:
    """Messages of last year are not old events; the report says as at when they were judged."""
    corpus = tmp_path / "corpus.jsonl"
    times = [
        {"timestamp": "2025-01-01T00:00:00Z", "receivedAt": "2025-01-01T00:00:01.250Z"},
        {"timestamp": "2025-03-01T00:00:00Z", "receivedAt": "2025-03-31T23:10:00.000Z"},
        {"timestamp": "2025-02-01T12:00:00+0200"},
        {},
    ]
    corpus.write_text("".join(json.dumps({**TRACK, **each}) + "\n" for each in times))
    (tmp_path / "settings.json").write_text('{"token": "T-0123456789"}')
    words = ["diff", "--workers", "1", "--corpus", str(corpus), "--old", "tree"]
    words += ["--settings", str(tmp_path / "settings.json")]
    result = CliRunner().invoke(main, words)
    assert (
        "translated as of the arrival of each message, 2025-01-01T01:00:00Z to 2" in result.stdout
    )
    assert "; 1 message without a time as of 20" in result.stdout
    assert "4 messages, 0 changed (0.0%); 1 fail on both sides\n" in result.stdout
    assert "  1 fail on both sides: api_secret_required: the event is older" in result.stdout


def test_a_row_that_no_message_exercises(tmp_path: Path) -> None:
    """The warning names the row: "0 changed" does not prove that it has no effect."""
    corpus, mapping = tmp_path / "corpus.jsonl", tmp_path / "mapping.json"
    corpus.write_text(json.dumps(TRACK))
    mapping.write_text('{"events": {"$current_url": null}}')
    result = diff("--corpus", corpus, "--old", "tree", "--new", f"mapping:{mapping}")
    assert "0 changed" in result.stdout
    assert "is unknown: mapping events.$current_url\n" in result.stdout
    assert (
        result.stdout.splitlines()[-1]
        == "no change without approval, 1 changed row never exercised"
    )
    page = {"context": {"page": {"url": "https://shop.example/"}}}
    corpus.write_text(json.dumps({**TRACK, **page}))
    result = diff("--corpus", corpus, "--old", "tree", "--new", f"mapping:{mapping}")
    assert "never exercised" not in result.stdout
    assert result.exit_code == 1


def test_a_mix_of_rules(tmp_path: Path) -> None:
    """A rule set with some rules of the other: exactly these are the causes."""
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text(json.dumps(TRACK))
    mix = ("--old", "rules:observed", "--new", "rules:observed+insert_id+group_calls")
    result = diff("--corpus", corpus, *mix)
    assert "  by rule insert_id: 1 message\n" in result.stdout
    assert "by this corpus, so their effect is unknown: rule group_calls\n" in result.stdout
    assert "1 kind of change without approval" in result.stdout
    result = diff("--corpus", corpus, "--old", "tree", "--new", "rules:documented-insert_id")
    assert "  removed: payload.properties.$insert_id  1 message" in result.stdout
    result = diff("--corpus", corpus, "--old", "rules:observed+insert_ids")
    assert "there is no rule 'insert_ids'; did you mean 'insert_id'?" in result.stderr
    assert result.exit_code == 2


def test_rare_groups_are_folded(tmp_path: Path) -> None:
    """In a large corpus a group of few messages is one line; `--all` shows its examples."""
    corpus, mapping = tmp_path / "corpus.jsonl", tmp_path / "mapping.json"
    rare = [{**TRACK, "properties": {f"p{n}": f"v{n}"}} for n in range(12)]
    lines = [json.dumps({**TRACK, "messageId": f"m{n}"}) for n in range(6_000)]
    corpus.write_text("\n".join([*lines, *map(json.dumps, rare)]))
    mapping.write_text(json.dumps({"events": {f"q{n}": f"properties.p{n}" for n in range(12)}}))
    refs = ("--corpus", corpus, "--old", "tree", "--new", f"mapping:{mapping}")
    folded = diff(*refs)
    assert "\n12 rare groups (--all shows examples)\n" in folded.stdout
    assert (
        "\n  event  renamed: payload.properties.p0 -> payload.properties.q0  1 message (0.017%)\n"
        in folded.stdout
    )
    assert '= "v0"' not in folded.stdout
    assert folded.exit_code == 1
    shown = diff(*refs, "--all")
    assert "rare groups" not in shown.stdout
    assert '        = "v0"\n' in shown.stdout


def test_progress_in_a_log() -> None:
    """After ten seconds a line on the error stream, then every five, with the share of bytes."""
    seconds = iter([0.0, 9.0, 10.5, 15.0, 16.0])

    @click.command()
    def work() -> None:
        with progress("comparing", 2_000, lambda: next(seconds)) as told:
            for done in (100, 500, 700, 1_500):
                told(done, done * 10)

    assert CliRunner().invoke(work).stderr.splitlines() == [
        "comparing: 5,000 messages, 25%",
        "comparing: 15,000 messages, 75%",
    ]


def test_an_unwritable_report_stops_before_the_work(corpus: Path, tmp_path: Path) -> None:
    """The folder of a report is made first: a long comparison is not lost at its end."""
    (tmp_path / "file").write_text("")
    result = diff("--corpus", corpus, "--old", "tree", "--report", tmp_path / "file" / "x")
    assert (result.stdout, result.exit_code) == ("", 2)
    assert result.stderr.startswith(f"Error: --report {tmp_path / 'file' / 'x'}: ")


def test_bad_lines_are_counted(tmp_path: Path) -> None:
    """A line that is not a message stops only itself, but the comparison does not pass."""
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("{\n" + json.dumps(TRACK) + "\n[]\n")
    result = diff("--corpus", corpus, "--old", "tree")
    assert "1 message, 0 changed (0.0%); 2 bad lines\n" in result.stdout
    assert f"  bad line {corpus}:3: not an object: []\n" in result.stdout
    assert result.stdout.splitlines()[-1] == "no change without approval, 2 bad lines"
    assert result.exit_code == 2
    result = diff("--corpus", corpus, "--old", "tree", "--max-bad-lines", "2")
    assert result.stdout.splitlines()[-1] == "no change without approval"
    assert result.exit_code == 0


def test_files_after_the_option_and_standard_input(corpus: Path) -> None:
    """A shell that expands a glob gives several files, and `-` is one."""
    text = json.dumps(TRACK) + "\n"
    result = diff("--corpus", corpus, corpus, "-", "--old", "tree", "--new", "tree", text=text)
    assert "5 messages, 0 changed" in result.stdout


def test_entries_bring_their_settings(tmp_path: Path) -> None:
    """An entry's settings count before the command line's, and those of a REF before both."""
    corpus = tmp_path / "corpus.jsonl"
    own = {"token": "T", "sourceName": "own"}
    lines = [{"message": TRACK, "settings": own}, TRACK]
    corpus.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name in ("given", "ref"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"token": "T", "sourceName": name}))
    result = diff(
        *("--corpus", corpus, "--settings", tmp_path / "given.json"),
        *("--old", "tree", "--new", f"settings:{tmp_path / 'ref.json'}"),
    )
    values = [line.strip() for line in result.stdout.splitlines() if line[8:9] in ("+", "-")]
    assert values == ['- "own"', '+ "ref"', '- "given"', '+ "ref"']


def test_settings_of_an_entry_that_are_refused(tmp_path: Path) -> None:
    """They are an error of this message on both sides."""
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text(json.dumps({"message": TRACK, "settings": {"token": "T", "peple": 1}}))
    result = diff("--corpus", corpus, "--old", "rules:observed", "--new", "tree")
    assert "1 message, 0 changed (0.0%); 1 fail on both sides" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--old", "tree"], "--corpus is missing"),
        (["--corpus", "nowhere", "--old", "tree"], "--corpus nowhere: there is no such file"),
        (["--corpus", CAPTURES], "Missing option '--old'"),
        (
            ["--corpus", CAPTURES, "--old", "main"],
            "'main' is not a REF; use one of tree",
        ),
        (["--corpus", CAPTURES, "--old", "rule:x"], "did you mean 'rules'?"),
        (["--corpus", CAPTURES, "--old", "rules:x"], "rule sets are documented, observed"),
        (["--corpus", CAPTURES, "--old", "mapping:nowhere"], "nowhere"),
        (["--corpus", CAPTURES, "--old", f"settings:{__file__}"], "test_command.py: "),
        (["--corpus", CAPTURES, "--old", "tree", "--now", "noon"], "--now 'noon' is not ISO 8601"),
        (["--corpus", "-", "--old", "tree"], "the corpus has no message; 0 bad lines"),
    ],
)
def test_usage_errors(arguments: list[str], text: str) -> None:
    """A missing file or revision is a clear error with exit code 2."""
    result = CliRunner().invoke(main, ["diff", *arguments], input="")
    assert text in result.stderr
    assert result.exit_code == 2


def test_on_all_cores_the_outcome_is_that_of_one(tmp_path: Path) -> None:
    """Several processes count the same, and keep the same examples."""
    corpus = tmp_path / "corpus.jsonl"
    lines = [
        json.dumps({**TRACK, "messageId": f"m{n}", "properties": {"n": n % 7, "text": "x" * 900}})
        for n in range(1_500)
    ]
    corpus.write_text("\n".join(lines))
    printed: list[Any] = []
    for workers in ("1", "3"):
        command = [sys.executable, "-m", "conformance", "diff", "--workers", workers]
        options = ["--corpus", str(corpus), "--old", "rules:observed", "--now", NOW]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert [line for line in done.stderr.splitlines() if line[:11] != "comparing: "] == []
        printed.append(done.stdout)
    assert corpus.stat().st_size > 1 << 20
    assert "1,500 messages, 1,500 changed (100.0%)" in printed[0]
    assert printed[0] == printed[1]
