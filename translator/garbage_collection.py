"""Settings for Python's cyclic garbage collector."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SERVER_OBJECTS = 50_000
"""Number of new objects between two collections in a server, where a request must not wait long."""
BATCH_OBJECTS = 400_000
"""The same in a batch job, where no client waits. Most objects are freed before a collection."""


def collect_rarely(new_objects: int = SERVER_OBJECTS) -> None:
    """The same as `rare_collection`, for a process until its end."""
    gc.freeze()
    gc.set_threshold(new_objects, 20, 100)


@contextmanager
def rare_collection(new_objects: int = SERVER_OBJECTS) -> Iterator[None]:
    """In this block the collector runs less often, and ignores the objects that exist now.

    For commands that keep many objects and make few cycles: each collection visits all objects. A
    collection begins when there are `new_objects` more objects than after the last collection.
    """
    before = gc.get_threshold()
    collect_rarely(new_objects)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
