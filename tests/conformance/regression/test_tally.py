"""Counting: once per message, three examples, bounded, and the same in one part or in many."""

import pytest

from conformance.corpus.entries import Entry
from conformance.regression import tally as tally_module
from conformance.regression.changes import Change, Kind
from conformance.regression.redaction import Redactor
from conformance.regression.tally import MAX_CHARACTERS, Cause, Example, Group, Key, Tally


def count(tally: Tally, number: int, *changes: Change, secrets: tuple[str, ...] = ()) -> None:
    entry = Entry(f"f:{number}", {}, f"m{number}")
    tally.messages += 1
    tally.count_changes(
        entry, [Cause(change, ("rule x",)) for change in changes], Redactor(secrets)
    )


ADDED = Change(Kind.ADDED, "event", "payload.a", new="x")
KEY = Key(Kind.ADDED, "event", "payload.a", ("rule x",))


def test_a_message_counts_once_in_a_group() -> None:
    """Two changes of one kind in a message are one message, and each cause counts it once."""
    tally = Tally()
    count(tally, 1, ADDED, ADDED)
    assert tally.groups == {KEY: Group(1, [Example("f:1", "m1", None, '"x"')])}
    assert (tally.messages, tally.changed, dict(tally.causes)) == (1, 1, {"rule x": 1})


def test_the_first_three_are_kept_as_examples() -> None:
    """However many there are, and in whatever parts they were counted."""
    total = Tally()
    for part in (range(1, 3), range(3, 9)):
        tally = Tally()
        for number in part:
            count(tally, number, ADDED)
        total.add(tally)
    assert total.groups[KEY].messages == 8
    assert [example.id for example in total.groups[KEY].examples] == ["m1", "m2", "m3"]
    assert (total.messages, total.changed, total.causes["rule x"]) == (8, 8, 8)


def test_other_words_are_no_change() -> None:
    """A message with nothing but a reworded reason is listed, not counted as changed."""
    tally = Tally()
    count(tally, 1, Change(Kind.REWORDED, "message", "skipped.x", "a", "b"))
    assert tally.changed == 0
    assert len(tally.groups) == 1


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after the last group is counted in one for each class."""
    monkeypatch.setattr(tally_module, "MAX_GROUPS", 2)
    tally = Tally()
    for number in range(5):
        count(tally, number, Change(Kind.ADDED, "event", f"payload.a{number}"))
    rest = Key(Kind.ADDED, "(any)", "(all other paths)")
    assert [group.messages for group in tally.groups.values()] == [1, 1, 3]
    assert rest in tally.groups


def test_long_values_are_cut_and_secrets_hidden() -> None:
    """An example says how much is missing, and never shows a token."""
    tally = Tally()
    value = {"token": "SECRET", "SECRET": ["SECRETS"]}
    count(tally, 1, Change(Kind.VALUE, "o", "p", "a" * 1000, value), secrets=("SECRET",))
    [[example]] = [group.examples for group in tally.groups.values()]
    assert example.old == '"' + "a" * (MAX_CHARACTERS - 1) + "... (402 characters more)"
    assert example.new == '{"token":"***","***":["SECRETS"]}'


def test_bad_lines() -> None:
    """All are counted, and the first few shown."""
    total = Tally()
    for _ in range(2):
        tally = Tally()
        for number in range(4):
            tally.count_bad_line(f"f:{number}", "not JSON")
        total.add(tally)
    assert total.bad_lines == 8
    assert [text.removesuffix(": not JSON") for text in total.bad_examples] == [
        "f:0",
        "f:1",
        "f:2",
        "f:3",
        "f:0",
    ]


def renamed(tally: Tally, number: int, old: str, new: str) -> None:
    count(tally, number, Change(Kind.RENAMED, "event", f"{old} -> {new}", "v", "v", "Seen"))


def groups(tally: Tally) -> dict[tuple[str, str], int]:
    return {(str(key.kind), key.path): group.messages for key, group in tally.groups.items()}


def test_a_rename_that_the_corpus_agrees_on_stays() -> None:
    """One message in twenty may have the one without the other."""
    tally = Tally()
    for number in range(19):
        renamed(tally, number, "plan", "tier")
    count(tally, 19, Change(Kind.REMOVED, "event", "plan", old="v"))
    tally.settle_renames()
    assert groups(tally) == {("renamed", "plan -> tier"): 19, ("removed", "plan"): 1}


@pytest.mark.parametrize("other", ["removed", "added"])
def test_a_rename_that_the_corpus_does_not_agree_on_is_a_removal_and_an_addition(
    other: str,
) -> None:
    """`$email` and `$user_id` are equal for few people only: nothing was renamed."""
    tally = Tally()
    for number in range(3):
        renamed(tally, number, "$email", "$user_id")
    path = "$email" if other == "removed" else "$user_id"
    for number in range(3, 9):
        count(tally, number, Change(Kind(other), "event", path, "x", "x", "Seen"))
    tally.settle_renames()
    assert groups(tally) == {
        ("removed", "$email"): 9 if other == "removed" else 3,
        ("added", "$user_id"): 9 if other == "added" else 3,
    }
    removed = tally.groups[Key(Kind.REMOVED, "event", "$email", ("rule x",))]
    assert removed.examples[0] == Example("f:0", "m0", '"v"', None)
    assert removed.events == {"Seen": removed.messages}


def test_event_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group counts the messages of each event, and those of later names together."""
    monkeypatch.setattr(tally_module, "MAX_EVENTS", 2)
    tally = Tally()
    for number in range(5):
        event = f"e{number % 4}"
        count(tally, number, Change(Kind.ADDED, "event", "payload.a", new=1, event=event))
    assert tally.groups[KEY].events == {"e0": 2, "e1": 1, "(other events)": 2}


def test_what_is_not_compared() -> None:
    """Messages that fail on both sides and those without an operation, each by its codes."""
    tally = Tally(messages=4)
    tally.count_failing("missing_id", "missing_id", "no id")
    tally.count_failing("missing_id", "invalid_field", "text\x1b[31m")
    tally.count_silent(["page_not_selected", "forbidden_id", "page_not_selected"])
    tally.count_silent([])
    assert tally.failing == {"missing_id": 1, "missing_id -> invalid_field": 1}
    assert tally.failing_examples["missing_id -> invalid_field"] == "text\\x1b[31m"
    assert tally.silent == {"forbidden_id, page_not_selected": 1, "no reason told": 1}
    assert tally.not_compared == 4
