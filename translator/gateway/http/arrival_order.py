"""Stores requests in the order of their arrival, although they are translated concurrently."""

import asyncio
from types import TracebackType
from typing import Self


class Turn:
    """The place of one request, as a context manager. At its end the next request has its turn."""

    def __init__(self, before: "asyncio.Future[None] | None", done: "asyncio.Future[None]") -> None:
        self._before = before
        self._done = done

    async def come(self) -> None:
        """Wait until all requests before this one have had their turns."""
        if self._before is not None and not self._before.done():
            await asyncio.wait([self._before])

    def end(self) -> None:
        """Let the next request have its turn, once those before this one have had theirs."""
        if self._before is None or self._before.done():
            self._finish(None)
        else:
            self._before.add_done_callback(self._finish)

    def _finish(self, _: object) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()


class ArrivalOrder:
    """The order of arrival of requests that are in work."""

    def __init__(self) -> None:
        self._last: asyncio.Future[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether a request would have its turn at once."""
        return self._last is None or self._last.done()

    def next(self) -> Turn:
        """The turn of the request that has arrived now."""
        before = None if self.is_idle else self._last
        self._last = asyncio.get_running_loop().create_future()
        return Turn(before, self._last)
