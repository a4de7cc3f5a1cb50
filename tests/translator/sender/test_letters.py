"""Whose order a letter keeps, and what is remembered of ids."""

import pytest

from tests.translator.sender.build import event
from translator.sender.dispatch.batch_safety import _sound_text, doubtful
from translator.sender.dispatch.queued_operation import LONGEST_KEPT, _lane, lanes_of, people_lanes


@pytest.mark.parametrize("person", ["7", 7])
def test_numbers_and_texts(person: object) -> None:
    """7 and "7" are one person, whichever comes first; true, 7.0 and 1 are others."""
    assert people_lanes((person,)) == ("person 7",)
    assert people_lanes((True,)) == ("person True",)
    assert people_lanes((7.0,)) == ("person 7.0",)
    assert people_lanes((1,)) == ("person 1",)
    assert () == people_lanes(("",)) == people_lanes((None,))


@pytest.mark.parametrize("length", [LONGEST_KEPT, LONGEST_KEPT + 1])
def test_long_ids_are_not_remembered(length: int) -> None:
    """Memory is bounded whatever ids come, and a long one is treated like any other."""
    person = "null".rjust(length)
    for each in (_lane, _sound_text):
        each.cache_clear()
    assert lanes_of(event("A", distinct_id=person)) == (f"person {person}",)
    assert doubtful(event("A", distinct_id=person), 100, 0.0)
    kept = 1 if length <= LONGEST_KEPT else 0
    assert [each.cache_info().currsize for each in (_lane, _sound_text)] == [kept, kept]
