"""A stream of operations: delivered as they come, each with one verdict, whatever goes wrong."""

from collections.abc import Iterator

import pytest

from tests.translator.sender.build import US, event
from tests.translator.sender.stub import Stub
from translator.core.operations import Operation
from translator.sender import DeliveryResult, DeliveryStatus, RetryPolicy, Sender
from translator.sender.source import TAKE_SECONDS


def names(verdicts: list[DeliveryResult]) -> list[str]:
    """What was delivered."""
    assert {DeliveryStatus.DELIVERED} >= {each.status for each in verdicts}
    return [each.operation.payload["event"] for each in verdicts]


def test_slow_operations(stub: Stub) -> None:
    """Those that came are sent while more are still to come."""
    now = 0.0
    told: list[DeliveryResult] = []
    before: list[list[str]] = []

    def operations() -> Iterator[Operation]:
        nonlocal now
        for name in "ABC":
            before.append(names(told))
            now += TAKE_SECONDS
            yield event(name)

    with Sender({US: stub.url}, retry=RetryPolicy(clock=lambda: now)) as sender:
        sender.stream(operations(), told.append)
    assert before == [[], [], ["A", "B"]]
    assert names(told) == ["A", "B", "C"]


@pytest.mark.parametrize("workers", [1, 4])
def test_operations_that_fail(stub: Stub, workers: int) -> None:
    """What came before a failure is delivered, and then the failure is raised."""

    def operations() -> Iterator[Operation]:
        yield event("A")
        raise ValueError("no more")

    told: list[DeliveryResult] = []
    with Sender({US: stub.url}, workers=workers) as sender:
        with pytest.raises(ValueError, match="no more"):
            sender.stream(operations(), told.append)
        assert names(told) == ["A"]
        assert names(sender.send([event("B")])) == ["B"]


@pytest.mark.parametrize("workers", [1, 4])
def test_a_listener_that_fails(stub: Stub, workers: int) -> None:
    """Its sender is not used again: verdicts of the broken run would be taken for others."""

    def fail(verdict: DeliveryResult) -> None:
        raise ValueError("deaf")

    with Sender({US: stub.url}, workers=workers) as sender:
        with pytest.raises(ValueError, match="deaf"):
            sender.stream([event("A"), event("B", distinct_id="bob")], fail)
        with pytest.raises(RuntimeError, match="make a new sender"):
            sender.send([event("C")])
