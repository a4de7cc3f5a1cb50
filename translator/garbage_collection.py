"""When Python looks for garbage in cycles of objects."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SERVER_OBJECTS = 50_000
"""So many new objects until the next search, where a request must not wait for a long one."""
BATCH_OBJECTS = 400_000
"""The same where nobody waits for a reply: most objects are gone again when a search begins."""


def collect_rarely(new_objects: int = SERVER_OBJECTS) -> None:
    """The same as `rare_collection`, for a process until its end."""
    gc.freeze()
    gc.set_threshold(new_objects, 20, 100)


@contextmanager
def rare_collection(new_objects: int = SERVER_OBJECTS) -> Iterator[None]:
    """In this block Python looks for cycles less often, and not among the objects that exist now.

    For commands that keep many objects and make few cycles: each search passes over all objects.
    A search begins after `new_objects` more objects exist than after the last one.
    """
    before = gc.get_threshold()
    collect_rarely(new_objects)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
