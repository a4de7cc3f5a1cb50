"""When Python looks for garbage in cycles of objects."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (50_000, 20, 100)


def collect_rarely() -> None:
    """The same as `rare_collection`, for a process until its end."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


@contextmanager
def rare_collection() -> Iterator[None]:
    """In this block Python looks for cycles less often, and not among the objects that exist now.

    For commands that keep many objects and make few cycles: each search passes over all objects.
    """
    before = gc.get_threshold()
    collect_rarely()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
