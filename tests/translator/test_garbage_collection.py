"""When Python looks for garbage."""

import gc

from translator.garbage_collection import BATCH_OBJECTS, rare_collection


def test_collection_is_as_before_after_the_block() -> None:
    """In the block the thresholds are higher; after it they are as before; no object is frozen."""
    before = gc.get_threshold()
    with rare_collection(BATCH_OBJECTS):
        inside = gc.get_threshold()
    assert inside == (BATCH_OBJECTS, 20, 100)
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
