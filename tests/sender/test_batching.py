"""Operations in order, cut into requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sender.build import EU, US, event, update
from translator.operations import Operation
from translator.sender.batching import Item, Limits, batches, encode, repeatable

LARGE = Limits(together=2000)


def shapes(operations: list[Operation], limits: Limits = LARGE) -> list[tuple[str, int]]:
    """The endpoint and size of each batch."""
    return [(batch.endpoint, len(batch.items)) for batch in batches(items(operations), limits)]


def items(operations: list[Operation]) -> list[Item]:
    return [Item(n, operation, encode(operation.payload)) for n, operation in enumerate(operations)]


def test_neighbours_share_a_request() -> None:
    """Consecutive operations for one endpoint travel together."""
    assert [("/track", 3)] == shapes([event("A"), event("B"), event("C")])


def test_another_endpoint_starts_a_request() -> None:
    """Nothing overtakes an operation for another endpoint."""
    mixed = [event("A"), event("B"), update("ann", "$set", {}), event("C")]
    assert [("/track", 2), ("/engage", 1), ("/track", 1)] == shapes(mixed)


def test_another_host_starts_a_request() -> None:
    """Operations for two residencies never share a request."""
    assert [("/track", 1), ("/track", 1)] == shapes([event("A", host=US), event("B", host=EU)])


@pytest.mark.parametrize("endpoint", ["/track", "/engage", "/groups"])
def test_one_answer_for_one_record(endpoint: str) -> None:
    """By default only /import, which names bad records, is sent more than one at a time."""
    ours = Operation(endpoint, US, {"event": "A", "properties": {"$insert_id": "a"}})
    theirs = event("B", "/import")
    expected = [(endpoint, 1), (endpoint, 1), ("/import", 2)]
    assert expected == shapes([ours, ours, theirs, theirs], Limits())


def test_together_is_bounded_by_records() -> None:
    """A limit of one record holds everywhere."""
    pairs = [event("A"), event("B"), event("C", "/import"), event("D", "/import")]
    expected = [("/track", 1), ("/track", 1), ("/import", 1), ("/import", 1)]
    assert expected == shapes(pairs, Limits(records=1, together=9))


def test_limit_of_records() -> None:
    """A request holds at most 2000 records."""
    assert [("/track", 2000), ("/track", 1)] == shapes([event("A")] * 2001)


def test_limit_of_bytes() -> None:
    """A body that just fits is one request, and one byte less makes it two."""
    pair = [event("A"), event("B")]
    [whole] = batches(items(pair), LARGE)
    size = len(whole.body())
    assert [("/track", 2)] == shapes(pair, LARGE._replace(bytes=size))
    assert [("/track", 1), ("/track", 1)] == shapes(pair, LARGE._replace(bytes=size - 1))


def test_oversized_record_travels_alone() -> None:
    """A record beyond the limit is still sent, and left to the server to judge."""
    records = [event("A"), event("B", text="x" * 500), event("C")]
    assert [("/track", 1)] * 3 == shapes(records, LARGE._replace(bytes=300))


@pytest.mark.parametrize(
    ("expected", "operation"),
    [
        (True, update("ann", "$set", {"a": 1})),
        (True, update("ann", "$set_once", {"a": 1})),
        (True, update("ann", "$union", {"a": [1]})),
        (True, update("ann", "$unset", ["a"])),
        (True, update("ann", "$delete", "")),
        (False, update("ann", "$add", {"a": 1})),
        (False, update("ann", "$append", {"a": 1})),
        (False, update("ann", "$remove", {"a": 1})),
        (False, Operation("/groups", US, {"$token": "T", "$group_id": "x", "$append": {}})),
        (True, Operation("/engage", US, {"$set": {}, "$ip": 0, "$ignore_time": True})),
        (True, event("A")),
        (True, event("A", "/import")),
        (False, Operation("/track", US, {"event": "A", "properties": {"token": "T"}})),
        (False, Operation("/track", US, {"event": "A", "properties": {"$insert_id": None}})),
        (True, Operation("/track", US, {"event": "$create_alias", "properties": {}})),
        (True, Operation("/track", US, {"event": "$identify", "properties": {}})),
    ],
)
def test_repeatable(expected: bool, operation: Operation) -> None:
    """Only what Mixpanel stores once, however often it comes, may be sent again in a batch."""
    assert expected == repeatable(operation)


def test_unrepeatable_travels_alone() -> None:
    """An `$add` shares its request with nothing, before or after it."""
    updates = [
        update("ann", "$set", {"a": 1}),
        update("ann", "$add", {"n": 1}),
        update("ann", "$set", {"b": 1}),
        update("ann", "$set", {"c": 1}),
    ]
    assert [("/engage", 1), ("/engage", 1), ("/engage", 2)] == shapes(updates)


@given(
    st.lists(
        st.sampled_from(
            [
                event("A"),
                event("B", "/import"),
                event("C", host=EU),
                update("ann", "$set", {"a": 1}),
                update("bob", "$add", {"n": 1}),
            ]
        )
    ),
    st.builds(Limits, st.integers(1, 4), st.integers(1, 400), st.integers(1, 4)),
)
def test_order_and_limits_always_hold(operations: list[Operation], limits: Limits) -> None:
    """Whatever the operations, their order holds and only a lone record exceeds a limit."""
    cut = list(batches(items(operations), limits))
    assert items(operations) == [item for batch in cut for item in batch.items]
    for batch in cut:
        assert len(batch.items) <= limits.records
        assert len(batch.items) == 1 or len(batch.body()) <= limits.bytes
        assert {(batch.host, batch.endpoint)} == {
            (item.operation.host, item.operation.endpoint) for item in batch.items
        }
