"""The ordering keys of a queued operation, and the cache of ids."""

import pytest

from tests.translator.sender.build import event
from translator.sender.queue.batch_safety import _sound_text, may_be_dropped_silently
from translator.sender.queue.queued_operation import (
    LONGEST_KEPT,
    _lane,
    ordering_keys_of,
    ordering_keys_of_people,
)


@pytest.mark.parametrize("person", ["7", 7])
def test_numbers_and_texts(person: object) -> None:
    """7 and "7" are one person, whichever comes first; true, 7.0 and 1 are others."""
    assert ordering_keys_of_people((person,)) == ("person 7",)
    assert ordering_keys_of_people((True,)) == ("person True",)
    assert ordering_keys_of_people((7.0,)) == ("person 7.0",)
    assert ordering_keys_of_people((1,)) == ("person 1",)
    assert () == ordering_keys_of_people(("",)) == ordering_keys_of_people((None,))


@pytest.mark.parametrize("length", [LONGEST_KEPT, LONGEST_KEPT + 1])
def test_long_ids_are_not_remembered(length: int) -> None:
    """Memory is bounded whatever ids come, and a long one is treated like any other."""
    person = "null".rjust(length)
    for each in (_lane, _sound_text):
        each.cache_clear()
    assert ordering_keys_of(event("A", distinct_id=person)) == (f"person {person}",)
    assert may_be_dropped_silently(event("A", distinct_id=person), 100, 0.0)
    kept = 1 if length <= LONGEST_KEPT else 0
    assert [each.cache_info().currsize for each in (_lane, _sound_text)] == [kept, kept]
