"""The command `migrate`: what another translator changes in a Mixpanel project."""

import json
import re
import sys
import tomllib
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.migration.delivery import region_or_host
from tests.project.paths import ROOT

DRIVER = ROOT / "tests" / "conformance" / "drivers" / "migrating.py"
SETTINGS = {
    "token": "0123456789abcdef",
    "apiSecret": "fedcba9876543210",
    "people": True,
    "eventIncrements": ["Seen"],
}
ARRIVAL = {"receivedAt": "2026-06-15T12:00:00.000Z", "timestamp": "2026-06-15T11:59:00.000Z"}


def journey(anonymous: str, user: str) -> list[dict[str, Any]]:
    """A person looks around, signs up, and buys."""
    both = {"anonymousId": anonymous, "userId": user}
    calls: list[dict[str, Any]] = [
        {"type": "track", "anonymousId": anonymous, "event": "Seen", "properties": {"plan": "x"}},
        {"type": "alias", "userId": user, "previousId": anonymous},
        {"type": "identify", **both, "traits": {"tags": ["a"], "plan": "free"}},
        {"type": "identify", **both, "traits": {"tags": ["b"]}},
        {"type": "track", **both, "event": "Signed Up", "properties": {"plan": "free"}},
        {"type": "track", **both, "event": "Order Completed", "properties": {"revenue": 12.5}},
        {"type": "track", **both, "event": "Seen", "properties": {"plan": "free"}},
    ]
    return [
        {**call, **ARRIVAL, "messageId": f"{user}-{number}"} for number, call in enumerate(calls)
    ]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    calls = [*journey("anon-1", "ann"), *journey("anon-2", "bo")]
    path.write_text("".join(json.dumps(call) + "\n" for call in calls))
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(SETTINGS))
    return path


def migrate(*arguments: str | Path, text: str = "") -> Result:
    words = ["migrate", "--workers", "1", *map(str, arguments)]
    return CliRunner().invoke(main, words, input=text)


def report_of(style: str, corpus: Path, settings: Path, folder: Path) -> dict[str, Any]:
    refs = ("--from", "tree", "--to", f"exec:{sys.executable} {DRIVER} {style}")
    result = migrate(
        *refs, "--corpus", corpus, "--settings", settings, "--report", folder / "report"
    )
    assert result.stderr == ""
    report: dict[str, Any] = json.loads((folder / "report" / "migration.json").read_text())
    assert result.exit_code == (1 if report["differences"] else 0)
    return report


def found(report: dict[str, Any]) -> list[tuple[str, str, str, int]]:
    return [
        (row["section"], row["class"], row["path"], row["count"]) for row in report["differences"]
    ]


def test_the_same_translator(corpus: Path, settings: Path) -> None:
    """Nothing differs, and the report says what both projects hold."""
    result = migrate("--from", "tree", "--to", "tree", "--corpus", corpus, "--settings", settings)
    assert result.stdout.splitlines() == [
        "from  tree",
        "to    tree",
        "14 messages, translated as of 2026-06-15T12:00:00Z",
        "people            2  ->  2  (2 are the same)",
        "events           10  ->  10",
        "charges           2  ->  2  (25 -> 25)",
        "",
        "no difference",
    ]
    assert result.exit_code == 0


def test_an_event_without_a_name(settings: Path, tmp_path: Path) -> None:
    """Mixpanel refuses it, whether it is in a request of its own or with valid events."""
    valid = json.dumps({"type": "track", "userId": "u", "event": "Seen"})
    for others in (0, 1, 2):
        (tmp_path / "corpus.jsonl").write_text('{"type": "track"}\n' + f"{valid}\n" * others)
        refs = ("--from", "rules:observed", "--to", "tree", "--corpus", tmp_path / "corpus.jsonl")
        options = ("--now", "2026-06-15T12:00:00Z", "--settings", settings)
        migrate(*refs, *options, "--report", tmp_path / "report")
        report = json.loads((tmp_path / "report" / "migration.json").read_text())
        expected = ("refused by Mixpanel", "removed", "/track: event, missing or empty", 1)
        assert found(report)[0] == expected


def test_another_envelope(corpus: Path, settings: Path, tmp_path: Path) -> None:
    """/import for /track, milliseconds, another insert id: Mixpanel holds the same."""
    report = report_of("envelope", corpus, settings, tmp_path)
    assert report["differences"] == []
    assert report["summary"] == "Both projects hold the same."
    endpoints = [(row["endpoint"], row["records"]) for row in report["requests"]["to"]]
    assert endpoints == [("/engage", 14), ("/import", 8), ("/track", 2)]


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("lost_property", [("event properties", "removed", "plan", 6)]),
        ("lost_event", [("events", "removed", "Signed Up", 2)]),
        ("renamed_event", [("events", "renamed", "Signed Up -> Registered", 2)]),
        ("hour_late", [("event properties", "value changed", "(time)", 8)]),
        (
            "two_shifts",
            [
                ("event properties", "value changed", "(time)", 5),
                ("event properties", "value changed", "(time)", 3),
            ],
        ),
        ("no_charge", [("charges", "value changed", "", 2)]),
        ("doubled_counter", [("counters", "value changed", "Seen", 2)]),
        ("array_set", [("profiles", "value changed", "tags", 2)]),
        (
            "counter_of_another_person",
            [
                ("counters", "value changed", "Seen", 2),
                ("counters", "value changed", "Seen of single people", 2),
            ],
        ),
        ("amounts_that_cancel_out", [("charges", "value changed", "amounts of single people", 2)]),
        ("early_charges", [("charges", "value changed", "$time", 2)]),
        ("no_alias", [("people", "split", "", 2), ("events", "removed", "$create_alias", 2)]),
        ("another_person", [("people", "regrouped", "", 3)]),
        (
            "amounts_as_text",
            [
                ("charges", "value changed", "", 2),
                ("charges", "retyped", "amounts that are not numbers", 2),
            ],
        ),
        ("moved_events", [("people", "moved", "", 1)]),
        (
            "doubled_events",
            [
                ("events", "added", "Seen", 4),
                ("events", "added", "Order Completed", 2),
                ("events", "added", "Signed Up", 2),
            ],
        ),
        (
            "prefixed_names",
            [
                ("events", "renamed", "Seen -> app: Seen", 4),
                ("events", "renamed", "Order Completed -> app: Order Completed", 2),
                ("events", "renamed", "Signed Up -> app: Signed Up", 2),
            ],
        ),
        (
            "prefixed_ids",
            [("people", "renamed", "", 2), ("event properties", "value changed", "alias", 2)],
        ),
        ("other_region", [("destination", "moved", "us -> eu", 14)]),
        ("other_project", [("destination", "moved", "us -> us, another project", 14)]),
        (
            "one_deep_event",
            [
                ("events", "removed", "Seen", 2),
                (
                    "refused by Mixpanel",
                    "added",
                    "/track: data: nested deeper than 50 levels",
                    2,
                ),
            ],
        ),
        (
            "other_path",
            [
                ("events", "removed", "Seen", 4),
                ("events", "removed", "$create_alias", 2),
                ("events", "removed", "Order Completed", 2),
                ("events", "removed", "Signed Up", 2),
                ("refused by Mixpanel", "added", "/tracks: HTTP status 501", 10),
            ],
        ),
    ],
)
def test_a_broken_translator(
    style: str,
    expected: list[tuple[str, str, str, int]],
    corpus: Path,
    settings: Path,
    tmp_path: Path,
) -> None:
    """Each fault is one difference in Mixpanel's terms, with the number of what is concerned."""
    assert found(report_of(style, corpus, settings, tmp_path)) == expected


@pytest.mark.parametrize(
    ("style", "lines"),
    [
        ("hour_late", ["      in all examples 3,600 seconds earlier"]),
        (
            "two_shifts",
            [
                "      because the time is 1 h earlier, as in another time zone",
                "      because the time is 5.5 h earlier, as in another time zone",
            ],
        ),
        ("amounts_as_text", ['  amounts that are not numbers: 0 -> 2, such as "$12.5"']),
        (
            "doubled_events",
            [
                "  each event is stored twice instead of once",
                "    new: Seen  4 events (22.2%)",
            ],
        ),
        (
            "prefixed_names",
            [
                '  renamed: prefix "app: " added: 3 names',
                "    renamed: Seen -> app: Seen  4 events (40.0%)",
            ],
        ),
        (
            "prefixed_and_doubled",
            [
                "  each event is stored twice instead of once",
                '  renamed: prefix "app: " added: 3 names',
            ],
        ),
        (
            "prefixed_ids",
            ["  2 people (100.0%) have other ids", '      because prefix "user:" added'],
        ),
        (
            "amounts_that_cancel_out",
            [
                "  other value: amounts of single people  2 people",
                '      person "anon-1"',
                "        - [12.5]",
                "        + [13.5]",
            ],
        ),
        ("other_region", ["  records of 14 messages (100.0%) go elsewhere: us -> eu"]),
        ("moved_events", ["  moved: messages of 1 person (50.0%) reach another person"]),
        (
            "long_insert_ids",
            [
                "WARNING: Mixpanel refuses or ignores 8 records (80.0%) of the new translator: "
                "/import: $insert_id: longer than 36 bytes. Differences below can be the effect"
            ],
        ),
    ],
)
def test_a_fault_in_words(style: str, lines: list[str], corpus: Path, settings: Path) -> None:
    """The report says what happened in Mixpanel's terms, and what caused it."""
    ref = f"exec:{sys.executable} {DRIVER} {style}"
    result = migrate(
        *("--from", "rules:documented", "--to", ref, "--corpus", corpus, "--settings", settings)
    )
    assert [line for line in lines if line not in result.output.splitlines()] == [], result.output


PAGE = (ROOT / "docs" / "how-to" / "migration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("style", "section"), [("prefixed_names", "EVENTS"), ("no_alias", "PEOPLE")]
)
def test_the_examples_of_the_page(style: str, section: str, corpus: Path, settings: Path) -> None:
    """The how-to page shows what the command prints for a cause."""
    [example] = re.findall(rf"```text\n({section}\n.+?)```", PAGE, flags=re.DOTALL)
    ref = f"exec:{sys.executable} {DRIVER} {style}"
    result = migrate(
        *("--from", "rules:documented", "--to", ref, "--corpus", corpus, "--settings", settings)
    )
    printed = result.output.replace(f"{corpus.parent}/", "")
    assert example in printed, printed


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("https://api.mixpanel.com", "us"),
        ("https://api.mixpanel.com/", "us"),
        ("HTTPS://API-JS.mixpanel.com:443", "us"),
        ("api-eu.mixpanel.com", "eu"),
        ("https://api-in.mixpanel.com", "in"),
        ("eu", "eu"),
        ("https://proxy.example/mixpanel", "proxy.example/mixpanel"),
        ("https://mixpanel.com.evil.example", "mixpanel.com.evil.example"),
    ],
)
def test_hosts_of_one_region_are_one_destination(host: str, name: str) -> None:
    """A destination is the region of Mixpanel's hosts, however they are written."""
    assert region_or_host(host) == name


def test_one_cause_of_many_values(settings: Path, tmp_path: Path) -> None:
    """Numbers that became text, and sums that grew by one factor, are one cause each."""
    names = ["Seen", "Bought"]
    settings.write_text(json.dumps({**SETTINGS, "eventIncrements": names}))
    calls = [
        {"type": "track", "userId": "ann", "event": name, "properties": {"size": 5, "price": 1.5}}
        for name in names
    ]
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps({**call, **ARRIVAL}) + "\n" for call in calls))
    for style, sentence in (
        ("numbers_as_text", "other type: numbers became text: 2 names"),
        ("tripled_counters", "other value: the new sum is 3 times the old one: 2 names"),
    ):
        report = report_of(style, corpus, settings, tmp_path)
        assert [cause["sentence"] for cause in report["common_causes"]] == [sentence]


def test_records_refused_on_both_sides(settings: Path, tmp_path: Path) -> None:
    """Events that Mixpanel refuses from both translators are counted with the reason."""
    call = {"type": "track", "userId": "ann", "event": "Seen"}
    times = ["2026-06-15T12:00:00.000Z", "2026-06-10T12:00:00.000Z", "2026-06-09T12:00:00.000Z"]
    calls = [{**call, "messageId": time, "receivedAt": time, "timestamp": time} for time in times]
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps(call) + "\n" for call in calls))
    report = report_of("no_charge", corpus, settings, tmp_path)
    assert report["events"]["to"] == 2
    assert report["refused_on_both"] == [
        {"endpoint": "/track", "reason": "time: older than 5 days", "records": 1}
    ]
    assert report["warnings"] == [
        "Mixpanel refuses or ignores 1 record of both translators: /track: time: older than 5 "
        "days. No difference can show in them"
    ]


def test_a_truth_value_that_became_a_number(settings: Path, tmp_path: Path) -> None:
    """The values true and 1 are equal in Python, but Mixpanel holds another type."""
    call = {"type": "identify", "userId": "ann", "traits": {"paid": True}, **ARRIVAL}
    (tmp_path / "corpus.jsonl").write_text(json.dumps(call))
    report = report_of("truth_as_number", tmp_path / "corpus.jsonl", settings, tmp_path)
    assert found(report) == [("profiles", "retyped", "paid", 1)]


def test_groups_under_another_key(settings: Path, tmp_path: Path) -> None:
    """When two group keys are swapped, a group is recognised by its id and properties."""
    calls = [
        {"type": "group", "userId": "ann", "groupId": name, "traits": {key: name, "size": size}}
        for key, name, size in (("company", "c1", 1), ("company", "c2", 2), ("team", "t1", 3))
    ]
    corpus = tmp_path / "groups.jsonl"
    corpus.write_text("".join(json.dumps({**call, **ARRIVAL}) + "\n" for call in calls))
    settings.write_text(json.dumps({**SETTINGS, "groupIdentifierTraits": ["company", "team"]}))
    report = report_of("swapped_groups", corpus, settings, tmp_path)
    assert found(report) == [
        ("group profiles", "moved", "company -> team", 2),
        ("group profiles", "moved", "team -> company", 1),
    ]
    shares = [round(row["share"], 3) for row in report["differences"]]
    assert shares == [0.667, 0.333]  # of the three groups


def test_every_person_who_differs_is_in_the_json_form(tmp_path: Path) -> None:
    """The report counts people by cause, and migration.json lists all of them with all ids."""
    corpus = tmp_path / "corpus.jsonl"
    calls = [call for number in range(9) for call in journey(f"anon-{number}", f"u{number}")]
    corpus.write_text("".join(json.dumps(call) + "\n" for call in calls))
    (tmp_path / "settings.json").write_text(json.dumps(SETTINGS))
    report = report_of("no_alias", corpus, tmp_path / "settings.json", tmp_path)
    [row] = [row for row in report["differences"] if row["section"] == "people"]
    cause = "only the old project joins the ids, by $create_alias; the new translator does not "
    assert (row["count"], row["causes"], len(row["examples"])) == (9, [f"{cause}send it"], 3)
    assert report["people_changes"] == [
        {
            "class": "split",
            "causes": [f"{cause}send it"],
            "where": f"{corpus}:{7 * number + 1}",
            "id": f"u{number}-0",
            "from": [[f"anon-{number}", f"u{number}"]],
            "to": [[f"anon-{number}"], [f"u{number}"]],
        }
        for number in range(9)
    ]
    assert report["people_changes_left_out"] == 0


def test_an_identity_event_that_has_no_effect(corpus: Path, settings: Path, tmp_path: Path) -> None:
    """People are split under another identity system, and the cause is Mixpanel's reason."""
    migrate(
        *("--from", "tree", "--to", "tree", "--to-project", "identity=simplified"),
        *("--corpus", corpus, "--settings", settings, "--report", tmp_path),
    )
    report = json.loads((tmp_path / "migration.json").read_text())
    [row] = [row for row in report["differences"] if row["section"] == "people"]
    assert (row["class"], row["count"]) == ("split", 2)
    assert row["causes"] == [
        "only the old project joins the ids, by $create_alias; "
        "$create_alias has no effect under simplified identity"
    ]


def test_share_of_failing_messages(settings: Path, tmp_path: Path) -> None:
    """The share of messages that fail on one side is that of all messages."""
    group = {"type": "group", "userId": "ann", "groupId": "g", "traits": {"company": "Acme"}}
    track = {"type": "track", "userId": "ann", "event": "Seen"}
    calls: list[dict[str, Any]] = [group, track, track, track]
    calls = [{**ARRIVAL, **each, "messageId": f"m-{n}"} for n, each in enumerate(calls)]
    (tmp_path / "corpus").write_text("".join(json.dumps(each) + "\n" for each in calls))
    refs = ("--from", "rules:documented", "--to", "rules:observed")
    migrate(*refs, "--corpus", tmp_path / "corpus", "--settings", settings, "--report", tmp_path)
    rows = json.loads((tmp_path / "migration.json").read_text())["differences"]
    [share] = [row["share"] for row in rows if row["path"] == "error.unsupported_call"]
    assert share == 0.25


def test_a_block_on_the_page(corpus: Path, settings: Path, tmp_path: Path) -> None:
    """The page and the JSON form say in one sentence what many rows have in common."""
    report = report_of("doubled_events", corpus, settings, tmp_path)
    assert report["common_causes"] == [
        {
            "section": "events",
            "class": "added",
            "sentence": "each event is stored twice instead of once",
            "rows": 3,
            "count": 8,
        }
    ]
    assert report["summary"] == "Each event is stored twice instead of once."
    page = (tmp_path / "report" / "migration.html").read_text()
    summary = '<summary class="together">each event is stored twice instead of once</summary>'
    assert summary in page


def test_people_come_first_with_all_their_ids(corpus: Path, settings: Path) -> None:
    """Who was split, into whom, and the message that shows it."""
    to = f"exec:{sys.executable} {DRIVER} no_alias"
    result = migrate("--from", "tree", "--to", to, "--corpus", corpus, "--settings", settings)
    lines = result.stdout.splitlines()
    assert lines[lines.index("PEOPLE") : lines.index("EVENTS")] == [
        "PEOPLE",
        "  split: 2 people (100.0%)",
        "      because only the old project joins the ids, by $create_alias; "
        "the new translator does not send it",
        f"      {corpus}:1 (ann-0)",
        '        - [["anon-1","ann"]]',
        '        + [["ann"],["anon-1"]]',
        "",
    ]
    assert "profiles of 2 people are not compared: they were merged or split" in result.stdout
    assert result.exit_code == 1


def test_a_driver_that_delivers(corpus: Path, settings: Path, tmp_path: Path) -> None:
    """It sends its requests to the mock over HTTP; Mixpanel holds the same."""
    driver = ROOT / "tests" / "conformance" / "drivers" / "ours.py"
    result = migrate(
        *("--from", "tree", "--to", f"exec:{sys.executable} {driver} deliver"),
        *("--corpus", corpus, "--settings", settings, "--report", tmp_path),
    )
    assert result.stdout.splitlines()[3:] == [
        "people            2  ->  2  (2 are the same)",
        "events           10  ->  10",
        "charges           2  ->  2  (25 -> 25)",
        "",
        "no difference",
    ]
    assert result.exit_code == 0
    requests = json.loads((tmp_path / "migration.json").read_text())["requests"]
    assert [row["records"] for row in requests["from"]] == [
        row["records"] for row in requests["to"]
    ]


def test_the_page(corpus: Path, settings: Path, tmp_path: Path) -> None:
    """One page with verdict, numbers and an approval to copy; no secret is in it."""
    report_of("renamed_event", corpus, settings, tmp_path)
    page = (tmp_path / "report" / "migration.html").read_text()
    assert "1 difference without approval" in page
    assert '<h2 id="events">events</h2>' in page
    assert "0123456789abcdef" not in page
    assert "fedcba9876543210" not in page
    [toml] = re.findall(r"<pre>(\[\[approval\]\].*?)</pre>", page, re.DOTALL)
    [approval] = tomllib.loads(unescape(toml))["approval"]
    approvals = tmp_path / "approvals.toml"
    approvals.write_text(unescape(toml).replace('reason = ""', 'reason = "wanted"'))
    assert approval["path"] == "Signed Up -> Registered"
    to = f"exec:{sys.executable} {DRIVER} renamed_event"
    options = ("--corpus", corpus, "--settings", settings, "--approvals", approvals)
    result = migrate("--from", "tree", "--to", to, *options)
    assert result.stdout.splitlines()[-1] == "no difference without approval, 1 approved"
    assert result.exit_code == 0


def test_markup_is_escaped(settings: Path, tmp_path: Path) -> None:
    """Texts of the corpus are text on the page and cannot move the cursor of a terminal."""
    evil = "<script>alert(1)</script>\x1b[31m"
    call = {"type": "track", "userId": evil, "event": evil, "messageId": evil, **ARRIVAL}
    corpus = tmp_path / "evil.jsonl"
    corpus.write_text(json.dumps({**call, "properties": {evil: evil}}) + "\n" + evil + "\n")
    result = migrate(
        *("--from", "tree", "--to", f"exec:{sys.executable} {DRIVER} another_person"),
        *("--corpus", corpus, "--settings", settings, "--report", tmp_path),
    )
    page = (tmp_path / "migration.html").read_text()
    assert "<script>alert" not in page
    assert "\x1b" not in result.stdout + page


def test_bad_lines_and_standard_input(settings: Path) -> None:
    """Both sides read standard input; a bad line is shown, and the exit status is 2."""
    text = json.dumps(journey("a", "u")[0]) + "\nnonsense\n"
    options = ("--from", "tree", "--to", "tree", "--corpus", "-", "--settings", settings)
    result = migrate(*options, text=text)
    assert result.stdout.splitlines()[-1] == "no difference, 1 bad line"
    assert ":2: not JSON" in result.stdout
    assert result.exit_code == 2
    assert migrate(*options, "--max-bad-lines", "1", text=text).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--to", "tree"], "Missing option '--from'"),
        (["--from", "tree", "--to", "main"], "'main' is not a REF"),
        (["--from", "tree", "--to", "tree", "--project", "identity"], "use NAME=VALUE"),
        (
            ["--from", "tree", "--to", "tree", "--project", "identity=new"],
            "--project: project.identity: 'new'",
        ),
        (["--from", "tree", "--to", "tree", "--report", "/dev/null/x"], "--report /dev/null/x"),
    ],
)
def test_usage_errors(arguments: list[str], text: str, corpus: Path) -> None:
    """Wrong usage is said clearly, with exit code 2, before the work."""
    result = migrate(*arguments, "--corpus", corpus)
    assert text in result.stderr
    assert result.exit_code == 2


def test_two_processes_give_the_same(corpus: Path, settings: Path) -> None:
    """Both sides at once, or one after the other."""
    options = ("--from", "rules:observed", "--to", "tree", "--corpus", corpus)
    one = migrate(*options, "--settings", settings)
    two = migrate(*options, "--settings", settings, "--workers", "2")
    assert one.stdout == two.stdout
    assert one.exit_code == 1
