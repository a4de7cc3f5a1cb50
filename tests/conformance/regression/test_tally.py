"""Counting: once per message, three examples, bounded, and the same in one part or in many."""

import pytest

from conformance.corpus.entries import Entry
from conformance.regression import tally as tally_module
from conformance.regression.changes import Change, Kind
from conformance.regression.tally import MAX_CHARACTERS, Cause, Example, Group, Key, Tally


def count(tally: Tally, number: int, *changes: Change, secrets: tuple[str, ...] = ()) -> None:
    entry = Entry(f"f:{number}", {}, f"m{number}")
    tally.messages += 1
    tally.count_changes(entry, [Cause(change, ("rule x",)) for change in changes], secrets)


ADDED = Change(Kind.ADDED, "/track event", "payload.a", new="x")
KEY = Key(Kind.ADDED, "/track event", "payload.a", ("rule x",))


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
        count(tally, number, Change(Kind.ADDED, "/track event", f"payload.a{number}"))
    rest = Key(Kind.ADDED, "(any)", "(all other paths)")
    assert [group.messages for group in tally.groups.values()] == [1, 1, 3]
    assert rest in tally.groups


def test_long_values_are_cut_and_secrets_hidden() -> None:
    """An example says how much is missing, and never shows a token."""
    tally = Tally()
    count(tally, 1, Change(Kind.VALUE, "o", "p", "a" * 1000, "k-SECRET-k"), secrets=("SECRET",))
    [[example]] = [group.examples for group in tally.groups.values()]
    assert example.old == '"' + "a" * (MAX_CHARACTERS - 1) + "... (402 characters more)"
    assert example.new == '"k-***-k"'


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
