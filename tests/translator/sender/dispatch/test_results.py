"""Each operation gets its own result, and only bad records are lost."""

import json
from collections.abc import Iterator

import pytest

from tests.translator.sender.build import US, event, statuses, update
from tests.translator.sender.stub import Reply, Stub
from translator.core.operations import Operation
from translator.sender import BatchLimits, DeliveryResult, DeliveryStatus, Sender

ZERO = Reply(200, b'{"error": "token, missing or empty", "status": 0}')
D, R, L = DeliveryStatus.DELIVERED, DeliveryStatus.REJECTED, DeliveryStatus.DEAD_LETTERED


def import_reply(failed: list[object], imported: int | None) -> Reply:
    """A strict import's answer to a request with bad records."""
    answer = {"code": 400, "error": "bad", "failed_records": failed, "status": "Bad Request"}
    if imported is not None:
        answer["num_records_imported"] = imported
    return Reply(400, json.dumps(answer).encode())


def test_nothing_to_send(sender: Sender, stub: Stub) -> None:
    """No operations, no requests."""
    assert sender.send([]) == []
    assert stub.received == []


@pytest.mark.parametrize("endpoint", ["/track", "/import"])
def test_status_zero_is_a_rejection(sender: Sender, stub: Stub, endpoint: str) -> None:
    """A success code with status 0 is a loss, with Mixpanel's reason."""
    stub.script = [ZERO]
    operation = event("A", endpoint)
    reason = "HTTP 200: token, missing or empty"
    assert sender.send([operation]) == [DeliveryResult(operation, R, reason)]


def test_status_zero_is_divided(sender: Sender, stub: Stub) -> None:
    """After a 0 for a batch only its bad record is lost, and the order still holds."""
    stub.script = [ZERO, Reply(), ZERO, ZERO, Reply()]
    verdicts = sender.send([event(name) for name in "ABCD"])
    assert statuses(verdicts) == [D, D, R, D]
    assert stub.names() == [["A", "B", "C", "D"], ["A", "B"], ["C", "D"], ["C"], ["D"]]


def test_increments_are_sent_once(sender: Sender, stub: Stub) -> None:
    """A 0 for increments of several people never makes one count twice: all are in doubt."""
    stub.script = [ZERO]
    verdicts = sender.send([update(name, "$add", {"n": 1}) for name in ("ann", "bob", "cid")])
    assert statuses(verdicts) == [L, L, L]
    assert verdicts[0].reason == (
        "it is unknown whether it arrived, and a second one would count twice: "
        "one of 3 records was refused: HTTP 200: token, missing or empty"
    )
    assert stub.names() == [["ann", "bob", "cid"]]


@pytest.mark.parametrize("lost", [Reply(drop=True), Reply(500), Reply(200, b"")])
def test_a_lost_answer_to_increments(sender: Sender, stub: Stub, lost: Reply) -> None:
    """After a lost answer all increments of the request are in doubt, and none is sent again."""
    stub.script = [lost]
    verdicts = sender.send([update(name, "$add", {"n": 1}) for name in ("ann", "bob")])
    assert statuses(verdicts) == [L, L]
    assert all("unknown whether it arrived" in (verdict.reason or "") for verdict in verdicts)
    assert stub.names() == [["ann", "bob"]]


@pytest.mark.parametrize("clear", [Reply(503), Reply(429), Reply(403, b"<html>Blocked</html>")])
def test_an_answer_that_took_no_increment(sender: Sender, stub: Stub, clear: Reply) -> None:
    """After an answer that nothing was stored, all records are sent again."""
    stub.script = [clear]
    verdicts = sender.send([update(name, "$add", {"n": 1}) for name in ("ann", "bob")])
    assert statuses(verdicts) == [D, D]
    assert stub.names() == [["ann", "bob"]] * 2


def test_increments_that_are_too_large_together(sender: Sender, stub: Stub) -> None:
    """After a 413, which stores nothing, they are sent in halves."""
    stub.script = [Reply(413, b"<html>413</html>")]
    verdicts = sender.send([update(name, "$add", {"n": 1}) for name in ("ann", "bob")])
    assert statuses(verdicts) == [D, D]
    assert stub.names() == [["ann", "bob"], ["ann"], ["bob"]]


def test_failed_records_by_index(sender: Sender, stub: Stub) -> None:
    """Of five imported events the two named are rejected, without a second request."""
    failed: list[object] = [
        {"index": 1, "insert_id": "id-B", "field": "properties.time", "message": "is invalid"},
        {"index": 3, "$insert_id": "id-D", "field": "event", "message": "is missing"},
    ]
    stub.script = [import_reply(failed, 3)]
    verdicts = sender.send([event(name, "/import") for name in "ABCDE"])
    assert statuses(verdicts) == [D, R, D, R, D]
    assert [verdict.reason for verdict in verdicts] == [
        None,
        "properties.time: is invalid",
        None,
        "event: is missing",
        None,
    ]
    assert len(stub.received) == 1


def test_two_failures_of_one_record(sender: Sender, stub: Stub) -> None:
    """A record named twice is one rejection with both reasons."""
    failed: list[object] = [{"index": 0, "message": "one"}, {"index": 0, "message": "two"}]
    stub.script = [import_reply(failed, 1)]
    verdicts = sender.send([event("A", "/import"), event("B", "/import")])
    assert [verdict[1:] for verdict in verdicts] == [(R, "one; two"), (D, None)]


@pytest.mark.parametrize("key", ["insert_id", "$insert_id"])
def test_failed_records_by_insert_id(sender: Sender, stub: Stub, key: str) -> None:
    """Without an index the insert id names the record."""
    stub.script = [import_reply([{key: "id-B", "message": "bad"}], None)]
    assert statuses(sender.send([event("A", "/import"), event("B", "/import")])) == [D, R]
    assert len(stub.received) == 1


def test_shared_insert_id_names_nobody(sender: Sender, stub: Stub) -> None:
    """An insert id that two records share does not tell which of them failed."""
    stub.script = [import_reply([{"insert_id": "id-A", "message": "bad"}], 1), Reply(400, b"bad")]
    assert statuses(sender.send([event("A", "/import"), event("A", "/import")])) == [R, D]
    assert stub.names() == [["A", "A"], ["A"], ["A"]]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, b"bad request"),
        import_reply([{"index": 9, "message": "out of range"}], 1),
        import_reply([{"index": -1, "message": "out of range"}], 1),
        import_reply([{"insert_id": "unknown", "message": "no such record"}], 1),
        import_reply(["odd"], 1),
        import_reply([{"index": True, "message": "no number"}], 1),
        import_reply([{"index": 0, "message": "does not add up"}], 0),
        Reply(200, b'{"code": 200, "num_records_imported": 1, "status": "OK"}'),
    ],
)
def test_unclear_import_answers_are_divided(sender: Sender, stub: Stub, reply: Reply) -> None:
    """An answer that leaves the fate of a record open does not count as a delivery."""
    stub.script = [
        reply,
        Reply(400, b"bad"),
        Reply(200, b'{"code": 200, "num_records_imported": 1, "status": "OK"}'),
    ]
    assert statuses(sender.send([event("A", "/import"), event("B", "/import")])) == [R, D]
    assert stub.names() == [["A", "B"], ["A"], ["B"]]


def test_nothing_imported_is_a_rejection(sender: Sender, stub: Stub) -> None:
    """A success that stored nothing is a loss."""
    stub.script = [Reply(200, b'{"code": 200, "num_records_imported": 0, "status": "OK"}')]
    [verdict] = sender.send([event("A", "/import")])
    assert verdict[1:] == (R, "Mixpanel says that it stored 0 of 1 records")


def test_too_large_is_divided(sender: Sender, stub: Stub) -> None:
    """After a 413 with a page of HTML the halves are sent, down to the one that is too large."""
    large = Reply(413, b"<html>413</html>")
    stub.script = [large, large, Reply(), large, Reply()]
    verdicts = sender.send([event(name) for name in "ABCD"])
    assert stub.names() == [["A", "B", "C", "D"], ["A", "B"], ["A"], ["B"], ["C", "D"]]
    assert statuses(verdicts) == [D, L, D, D]
    assert verdicts[1].reason == "HTTP 413: <html>413</html>"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refused_requests_are_not_divided(sender: Sender, stub: Stub, status: int) -> None:
    """A refusal that concerns the request rejects all its records at once."""
    stub.script = [Reply(status, b'{"error": "no"}')]
    assert statuses(sender.send([event("A", "/import"), event("B", "/import")])) == [R, R]
    assert len(stub.received) == 1


def test_redirects_are_not_followed(sender: Sender, stub: Stub) -> None:
    """A redirect is not Mixpanel's answer: the same address is asked again until the last try."""
    stub.script = [Reply(307, headers={"Location": f"{stub.url}/elsewhere"})] * 5
    [verdict] = sender.send([event("A")])
    reason = (
        f"given up after the last try: HTTP 307: redirects are not followed (to {stub.url}"
        "/elsewhere) (this is not a response of Mixpanel's)"
    )
    assert verdict[1:] == (L, reason)
    assert [request.endpoint for request in stub.received] == ["/track"] * 5


def test_import_without_a_secret(stub: Stub) -> None:
    """Without an API secret /import is not even tried, and the rest is sent."""
    with Sender({US: stub.url}) as sender:
        verdicts = sender.send([event("A", "/import"), event("B")])
    assert statuses(verdicts) == [L, D]
    assert verdicts[0].reason == "/import needs the project's API secret: set apiSecret"
    assert stub.names() == [["B"]]


def test_payload_that_is_no_json(sender: Sender, stub: Stub) -> None:
    """A payload that JSON cannot say is reported, and the rest is sent."""
    operations = [Operation("/track", US, {"event": {1, 2}}), event("B")]
    verdicts = sender.send(operations)
    assert statuses(verdicts) == [L, D]
    assert (
        verdicts[0].reason
        == "the payload cannot be written as JSON: Object of type set is not JSON serializable"
    )


def test_no_number_is_not_sent_as_text(sender: Sender, stub: Stub) -> None:
    """JSON has no NaN, so a payload with one never reaches the wire as such."""
    [verdict] = sender.send([update("ann", "$set", {"huge": 2**70, "nan": float("nan")})])
    assert verdict.status == L
    assert stub.received == []


def test_one_record_a_request(stub: Stub) -> None:
    """With a limit of one record every record has an answer of its own."""
    stub.script = [Reply(), ZERO]
    with Sender({US: stub.url}, limits=BatchLimits(records=1)) as sender:
        assert statuses(sender.send([event(name) for name in "ABC"])) == [D, R, D]
    assert stub.names() == [["A"], ["B"], ["C"]]


def test_secret_is_redacted(sender: Sender, stub: Stub) -> None:
    """A server that repeats the credentials does not get them into a report."""
    stub.script = [Reply(401, b'{"error": "top-secret is wrong, as is dG9wLXNlY3JldDo="}')]
    [verdict] = sender.send([event("A", "/import")])
    assert verdict.reason == (
        "HTTP 401: [redacted] is wrong, as is [redacted]"
        " (check the project's token, apiSecret and residency)"
    )


def test_no_part_of_a_secret(sender: Sender, stub: Stub) -> None:
    """A long answer is cut, and where a secret would stand across the cut nothing of it is left."""
    words = "word " * 39
    stub.script = [Reply(400, f"{words}top-secret".encode())]
    [verdict] = sender.send([event("A")])
    assert verdict.reason == f"HTTP 400: {words}[reda"


def test_stream(sender: Sender, stub: Stub) -> None:
    """Operations that come one by one are delivered as they come, and each gets its verdict."""
    told: list[DeliveryResult] = []
    told_before: list[int] = []

    def come() -> Iterator[Operation]:
        for number in range(5000):
            told_before.append(len(told))
            yield event(f"E{number}")

    sender.stream(come(), told.append)
    assert [f"E{number}" for number in range(5000)] == [
        verdict.operation.payload["event"] for verdict in told
    ]
    assert set(statuses(told)) == {D}
    assert (told_before[0], told_before[-1] > 0) == (0, True)


def test_stream_of_bad_ones(sender: Sender, stub: Stub) -> None:
    """What may go nowhere, and what is refused, costs only itself."""
    told: dict[str, DeliveryStatus] = {}
    stub.script = [ZERO, ZERO, Reply()]
    nowhere = event("Nowhere", host="https://elsewhere.test")
    sender.stream(
        [event("Bad"), nowhere, event("Good")],
        lambda verdict: told.update({verdict.operation.payload["event"]: verdict.status}),
    )
    assert told == {"Bad": R, "Nowhere": L, "Good": D}
    assert stub.names() == [["Bad", "Good"], ["Bad"], ["Good"]]
