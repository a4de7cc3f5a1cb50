"""Counting: once per message, three examples, bounded, and the same in one part or in many."""

import pytest

from conformance.corpus.entries import CorpusEntry
from conformance.regression.differences import counts as counts_module
from conformance.regression.differences import groups as groups_module
from conformance.regression.differences.changes import Change, ChangeClass
from conformance.regression.differences.counts import CausedChange, DiffCounts
from conformance.regression.differences.groups import MAX_CHARACTERS, Example, Group, GroupKey
from conformance.regression.redaction import SecretFilter


def count(counts: DiffCounts, number: int, *changes: Change, secrets: tuple[str, ...] = ()) -> None:
    entry = CorpusEntry(f"f:{number}", {}, f"m{number}")
    counts.messages += 1
    position = 0, number
    counts.count_changes(
        position,
        entry,
        [CausedChange(change, ("rule x",)) for change in changes],
        SecretFilter(secrets),
    )


ADDED = Change(ChangeClass.ADDED, "event", "payload.a", new="x")
KEY = GroupKey(ChangeClass.ADDED, "event", "payload.a", ("rule x",))


def test_a_message_counts_once_in_a_group() -> None:
    """Two changes of one kind in a message are one message, and each cause counts it once."""
    counts = DiffCounts()
    count(counts, 1, ADDED, ADDED)
    assert counts.groups == {KEY: Group(1, [Example("f:1", "m1", None, '"x"', (0, 1))])}
    assert (counts.messages, counts.changed, dict(counts.causes)) == (1, 1, {"rule x": 1})


def test_the_first_three_are_kept_as_examples() -> None:
    """However many there are, and in whatever parts they were counted."""
    total = DiffCounts()
    for part in (range(1, 3), range(3, 9)):
        counts = DiffCounts()
        for number in part:
            count(counts, number, ADDED)
        total.add(counts)
    assert total.groups[KEY].messages == 8
    assert [example.id for example in total.groups[KEY].examples] == ["m1", "m2", "m3"]
    assert (total.messages, total.changed, total.causes["rule x"]) == (8, 8, 8)


def test_other_words_are_no_change() -> None:
    """A message with nothing but a reworded reason is listed, not counted as changed."""
    counts = DiffCounts()
    count(counts, 1, Change(ChangeClass.REWORDED, "message", "skipped.x", "a", "b"))
    assert counts.changed == 0
    assert len(counts.groups) == 1


def test_groups_of_fewest_messages_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """The result has the largest groups, and one for each class that counts the others."""
    monkeypatch.setattr(counts_module, "MAX_GROUPS", 2)
    counts = DiffCounts()
    for number in range(9):
        path = f"payload.a{number // 2}"
        count(counts, number, Change(ChangeClass.ADDED, "event", path, new=number))
    counts.settle()
    rest = GroupKey(ChangeClass.ADDED, "(any)", "(all other paths)")
    assert {key.path: group.messages for key, group in counts.groups.items()} == {
        "payload.a0": 2,
        "payload.a1": 2,
        "(all other paths)": 5,
    }
    assert [example.id for example in counts.groups[rest].examples] == ["m4", "m5", "m6"]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """While counting, the groups with the shortest names are kept, at most twice the limit."""
    monkeypatch.setattr(counts_module, "KEPT_GROUPS", 2)
    counts = DiffCounts()
    for number in range(100):
        path = f"payload.a{10**6 - 10 ** (number % 6)}"
        count(counts, number, Change(ChangeClass.ADDED, "event", path, new=number))
        assert len(counts.groups) <= 2 * 2 + 1
    counts.settle()
    assert {key.path: group.messages for key, group in counts.groups.items()} == {
        "payload.a900000": 16,
        "payload.a990000": 16,
        "(all other paths)": 68,
    }


def test_long_values_are_cut_and_secrets_hidden() -> None:
    """An example says how much is missing, and never shows a token."""
    counts = DiffCounts()
    value = {"token": "SECRET", "SECRET": ["SECRETS"]}
    count(counts, 1, Change(ChangeClass.VALUE, "o", "p", "a" * 1000, value), secrets=("SECRET",))
    [[example]] = [group.examples for group in counts.groups.values()]
    assert example.old == '"' + "a" * (MAX_CHARACTERS - 1) + "... (402 characters more)"
    assert example.new == '{"token":"***","***":["SECRETS"]}'


def test_bad_lines() -> None:
    """All are counted, and the first few of the corpus shown, whatever is counted first."""
    total = DiffCounts()
    for part in (1, 0):
        counts = DiffCounts()
        for number in range(4):
            counts.count_bad_line((part, number), f"f:{part}:{number}", "not JSON")
        total.add(counts)
    assert total.bad_lines == 8
    assert [text.removesuffix(": not JSON") for text in total.bad_examples] == [
        "f:0:0",
        "f:0:1",
        "f:0:2",
        "f:0:3",
        "f:1:0",
    ]


def renamed(counts: DiffCounts, number: int, old: str, new: str) -> None:
    count(counts, number, Change(ChangeClass.RENAMED, "event", f"{old} -> {new}", "v", "v", "Seen"))


def groups(counts: DiffCounts) -> dict[tuple[str, str], int]:
    return {(str(key.kind), key.path): group.messages for key, group in counts.groups.items()}


def test_a_rename_that_the_corpus_agrees_on_stays() -> None:
    """One message in twenty may have the one without the other."""
    counts = DiffCounts()
    for number in range(19):
        renamed(counts, number, "plan", "tier")
    count(counts, 19, Change(ChangeClass.REMOVED, "event", "plan", old="v"))
    counts.settle()
    assert groups(counts) == {("renamed", "plan -> tier"): 19, ("removed", "plan"): 1}


@pytest.mark.parametrize("other", ["removed", "added"])
def test_a_rename_that_the_corpus_does_not_agree_on_is_a_removal_and_an_addition(
    other: str,
) -> None:
    """`$email` and `$user_id` are equal for few people only: nothing was renamed."""
    counts = DiffCounts()
    for number in range(3):
        renamed(counts, number, "$email", "$user_id")
    path = "$email" if other == "removed" else "$user_id"
    for number in range(3, 9):
        count(counts, number, Change(ChangeClass(other), "event", path, "x", "x", "Seen"))
    counts.settle()
    assert groups(counts) == {
        ("removed", "$email"): 9 if other == "removed" else 3,
        ("added", "$user_id"): 9 if other == "added" else 3,
    }
    removed = counts.groups[GroupKey(ChangeClass.REMOVED, "event", "$email", ("rule x",))]
    assert removed.examples[0] == Example("f:0", "m0", '"v"', None, (0, 0))
    assert removed.events == {"Seen": removed.messages}


def test_renames_that_are_counted_together_stay_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The group of all other renames has no names to compare."""
    monkeypatch.setattr(counts_module, "KEPT_GROUPS", 1)
    counts = DiffCounts()
    for number, name in enumerate(("a", "bb")):
        path = f"payload.{name} -> payload.{name}{name}"
        count(counts, number, Change(ChangeClass.RENAMED, "event", path, "x", "x"))
    counts.settle()
    assert [(key.kind, key.path, group.messages) for key, group in counts.groups.items()] == [
        (ChangeClass.RENAMED, "(all other paths)", 1),
        (ChangeClass.RENAMED, "payload.a -> payload.aa", 1),
    ]


def test_event_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group has the commonest of the shortest event names, and counts the others together."""
    monkeypatch.setattr(groups_module, "KEPT_EVENTS", 3)
    monkeypatch.setattr(groups_module, "MAX_EVENTS", 2)
    counts = DiffCounts()
    for number in range(50):
        event = "e" * (1 + number % 11)
        count(counts, number, Change(ChangeClass.ADDED, "event", "payload.a", new=1, event=event))
        assert len(counts.groups[KEY].events) <= 2 * 3 + 1
    counts.settle()
    assert counts.groups[KEY].events == {"e": 5, "ee": 5, "(other events)": 40}


def test_what_is_not_compared() -> None:
    """Messages that fail on both sides and those without an operation, each by its codes."""
    counts = DiffCounts(messages=4)
    counts.count_failing((0, 1), "missing_id", "missing_id", "no id")
    counts.count_failing((0, 2), "missing_id", "invalid_field", "text\x1b[31m")
    counts.count_silent(["page_not_selected", "forbidden_id", "page_not_selected"])
    counts.count_silent([])
    assert counts.failing == {"missing_id": 1, "missing_id -> invalid_field": 1}
    assert counts.failing_examples["missing_id -> invalid_field"] == "text\\x1b[31m"
    assert counts.silent == {"forbidden_id, page_not_selected": 1, "no reason told": 1}
    assert counts.not_compared == 4
