"""When Python looks for garbage in cycles of objects."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (50_000, 20, 100)


@contextmanager
def rare_collection() -> Iterator[None]:
    """In this block Python looks for cycles less often, and not among the objects that exist now.

    For commands that keep many objects and make few cycles: each search passes over all objects.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
