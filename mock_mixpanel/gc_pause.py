"""Pauses the cyclic garbage collector during bulk allocation."""

import gc


class uncollected:
    """Pause the collector in a `with` block.

    Looking for cycles among millions of objects would take longer than the work itself. A class,
    since every request enters such a block, and a generator would take three times as long.
    """

    def __enter__(self) -> None:
        self._enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *error: object) -> None:
        if self._enabled:
            gc.enable()
