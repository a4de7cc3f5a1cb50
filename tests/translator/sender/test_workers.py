"""Several requests under way at once: no worker waits for a source that takes its time."""

import threading
from collections.abc import Callable, Iterator, Sequence

import orjson

from tests.translator.sender.build import US, event
from translator.core.operations import Operation
from translator.sender import BatchLimits, DeliveryStatus, Sender
from translator.sender.dispatch.request_results import Settled
from translator.sender.http.transport import HttpResponse
from translator.sender.queue.queued_operation import QueuedOperation

DEADLINE_SECONDS = 10.0


class Posted:
    """A transport that delivers everything, and signals when an event has been posted."""

    def __init__(self, *names: str) -> None:
        self.seen = {name: threading.Event() for name in names}

    def post(self, base_url: str, endpoint: str, body: bytes) -> HttpResponse:
        for record in orjson.loads(body):
            self.seen[record["event"]].set()
        return HttpResponse(200, {}, b'{"status": 1, "error": null}')

    def close(self) -> None:
        """Nothing is open."""


class Steps:
    """A source that gives what is next in some steps, and keeps what became of it."""

    def __init__(self, steps: Iterator[list[QueuedOperation]]) -> None:
        self._steps = steps
        self.statuses: dict[str, DeliveryStatus] = {}

    def take(self, room: int) -> Sequence[QueuedOperation] | None:
        return next(self._steps, None)

    def sending(self, operations: Sequence[QueuedOperation]) -> None:
        """Nothing is kept."""

    def settled(self, settled: Sequence[Settled]) -> None:
        for operations, status, _ in settled:
            self.statuses |= {queued.operation.payload["event"]: status for queued in operations}


def delivered(
    posted: Posted,
    steps: Callable[[Callable[[Operation], QueuedOperation]], Iterator[list[QueuedOperation]]],
) -> set[str]:
    """What is delivered of what a source gives in some steps, one event a request."""
    limits, urls = BatchLimits(records=1), {US: "http://127.0.0.1:1"}
    with Sender(urls, limits=limits, transport=posted, workers=2) as sender:
        source = Steps(steps(sender.preparation.prepare))
        sender.run(source)
    return {name for name, status in source.statuses.items() if status is DeliveryStatus.DELIVERED}


def test_what_can_go_does_before_more_is_taken() -> None:
    """All that a source gave is on its way before it is asked for more."""
    posted = Posted("A", "B")
    in_time: list[bool] = []

    def steps(queued: Callable[[Operation], QueuedOperation]) -> Iterator[list[QueuedOperation]]:
        yield [queued(event(name, distinct_id=name)) for name in "AB"]
        in_time.extend(posted.seen[name].wait(DEADLINE_SECONDS) for name in "AB")

    assert delivered(posted, steps) == {"A", "B"}
    assert in_time == [True, True]


def test_answers_are_heard_while_there_is_more_to_take() -> None:
    """A person's next event leaves after an answer, though the source goes on giving others."""
    others = [f"other {number}" for number in range(100)]
    posted = Posted("A", "B", *others)
    in_time: list[bool] = []

    def steps(queued: Callable[[Operation], QueuedOperation]) -> Iterator[list[QueuedOperation]]:
        yield [queued(event("A")), queued(event("B"))]
        for name in others:
            in_time.append(posted.seen["B"].wait(DEADLINE_SECONDS / len(others)))
            yield [queued(event(name, distinct_id=name))]

    assert delivered(posted, steps) == {"A", "B", *others}
    assert in_time[-1], "it waited until the source had nothing more"
